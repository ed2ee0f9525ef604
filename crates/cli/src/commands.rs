//! The table of commands, the program name as a command, and the call.

use crate::args;
use crate::report;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};
use mist::console::Console;
use mist::{CaseFailure, Result};
use mist_nn::Registry;
use std::ffi::OsString;
use std::path::Path;

/// What every command may use.
pub(crate) struct Context<'a> {
    /// Models and losses on offer.
    pub(crate) registry: &'a Registry,
    /// Where messages and progress go.
    pub(crate) console: &'a dyn Console,
}

/// A command as the user types it: its flags are the fields, its meaning is [`Action::perform`].
pub(crate) trait Action: clap::Args {
    /// Name on the command line.
    const NAME: &'static str;

    /// Fills in the allowed values that only the registry knows.
    fn with_choices(command: Command, _registry: &Registry) -> Command {
        command
    }

    /// Does the work; returns the cases that had to be left out.
    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>>;
}

type Perform = fn(&ArgMatches, &Context) -> Result<Result<Vec<CaseFailure>>, clap::Error>;

/// One row of the table.
struct Entry {
    name: &'static str,
    command: fn(&Registry) -> Command,
    perform: Perform,
}

impl Entry {
    const fn of<A: Action>() -> Self {
        Self {
            name: A::NAME,
            command: |registry| A::with_choices(A::augment_args(Command::new(A::NAME)), registry),
            perform: |matches, context| Ok(A::from_arg_matches(matches)?.perform(context)),
        }
    }

    /// `run-all` is also `run_all`, and `mist_run_all` as the name of the program.
    fn underscored(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// All commands, in the order of the work.
const COMMANDS: &[Entry] = &[
    Entry::of::<args::ConvertMsd>(),
    Entry::of::<args::ConvertCsv>(),
    Entry::of::<args::Analyze>(),
    Entry::of::<args::Preprocess>(),
    Entry::of::<args::Train>(),
    Entry::of::<args::Finalize>(),
    Entry::of::<args::Predict>(),
    Entry::of::<args::Ensemble>(),
    Entry::of::<args::Postprocess>(),
    Entry::of::<args::DescribeTransforms>(),
    Entry::of::<args::Evaluate>(),
    Entry::of::<args::Rank>(),
    Entry::of::<args::Report>(),
    Entry::of::<args::View>(),
    Entry::of::<args::RunAll>(),
    Entry::of::<args::AverageWeights>(),
    Entry::of::<args::Weights>(),
    Entry::of::<args::Models>(),
    Entry::of::<args::Config>(),
    Entry::of::<args::Schema>(),
    Entry::of::<args::Demo>(),
    Entry::of::<args::Bench>(),
    Entry::of::<args::Aliases>(),
];

const ABOUT: &str = "Segments 3D medical images: from a folder of scans to trained, evaluated models";

const ORDER: &str = "\
The usual order, and what each step leaves behind:
  convert-msd  dataset.json and a folder per case, from a data set of the Decathlon
  convert-csv  the same from tables of files (or make both yourself)
  analyze      results/config.json, the plan of the run
  preprocess   numpy/, the cases as arrays
  train        results/models/, one model per fold
  finalize     results/results.csv, how good the models are
  predict      segmentations of new scans
  ensemble     the segmentations of several methods, joined
  postprocess  the same, cleaned up by rules
  evaluate     a table that compares segmentations with the truth
  rank         which of several such tables is the best
  report       results/report.html, one page about the run
  view         scans, truth and predictions in the browser
`models` lists the networks that `train` can choose, `average-weights` makes a start for other scans.
`run-all` does analyze, preprocess and train in one go.
New here? `mist demo` shows all of it on real scans.";

/// Commands that MIST does not have.
const OWN_COMMANDS: &[&str] = &[
    args::DescribeTransforms::NAME,
    args::Report::NAME,
    args::View::NAME,
    args::Weights::NAME,
    args::Models::NAME,
    args::Config::NAME,
    args::Schema::NAME,
    args::Demo::NAME,
    args::Bench::NAME,
    args::Aliases::NAME,
];

/// The names under which the program answers as one of its commands, such as `mist_train`.
pub(crate) fn alias_names() -> Vec<String> {
    COMMANDS
        .iter()
        .filter(|entry| !OWN_COMMANDS.contains(&entry.name))
        .map(|entry| format!("mist_{}", entry.underscored()))
        .collect()
}

/// Parses the command line, does the work, prints the outcome and returns the exit status.
pub(crate) fn dispatch(
    registry: &Registry,
    console: &dyn Console,
    arguments: impl IntoIterator<Item = OsString>,
) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let context = Context { registry, console };
    match parse_and_perform(&context, arguments) {
        Ok(outcome) => report::outcome(outcome),
        Err(error) => {
            // Help and version are printed through the same path; a closed pipe is not worth a message.
            let _ = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => report::SUCCESS,
                _ => report::USAGE,
            }
        }
    }
}

fn parse_and_perform(context: &Context, arguments: Vec<OsString>) -> Result<Result<Vec<CaseFailure>>, clap::Error> {
    let program = arguments.first().map(Path::new).and_then(Path::file_stem).and_then(|name| name.to_str());
    let called_as = |entry: &&Entry| program == Some(format!("mist_{}", entry.underscored()).as_str());
    if let (Some(program), Some(entry)) = (program, COMMANDS.iter().find(called_as)) {
        let mut command = common_rules((entry.command)(context.registry)).name(program.to_owned());
        let matches = command.try_get_matches_from_mut(arguments).map_err(|error| with_usage(error, &mut command))?;
        return (entry.perform)(&matches, context);
    }
    let names: Vec<String> = arguments.iter().skip(1).map(|name| name.to_string_lossy().into_owned()).collect();
    let mut command = whole_program(context.registry);
    let matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| with_usage(error, &mut concerned(&command, &names)))?;
    let chosen = matches
        .subcommand()
        .and_then(|(name, inner)| COMMANDS.iter().find(|entry| entry.name == name).map(|entry| (entry, inner)));
    match chosen {
        Some((entry, inner)) => (entry.perform)(inner, context),
        None => Err(command.error(ErrorKind::MissingSubcommand, "a command is needed")),
    }
}

/// The command that these words name, or the command of one of its own tasks.
fn concerned(command: &Command, names: &[String]) -> Command {
    let named = names.split_first().and_then(|(name, rest)| Some(concerned(command.find_subcommand(name)?, rest)));
    named.unwrap_or_else(|| command.clone())
}

/// Every usage error ends with the usage, as those of the reference do; clap leaves it out for wrong values.
fn with_usage(mut error: clap::Error, command: &mut Command) -> clap::Error {
    if error.use_stderr() && error.get(ContextKind::Usage).is_none() {
        error.insert(ContextKind::Usage, ContextValue::StyledStr(command.render_usage()));
    }
    error
}

fn whole_program(registry: &Registry) -> Command {
    let version =
        clap::Arg::new("version").short('V').long("version").help("Print the version").action(clap::ArgAction::Version);
    Command::new("mist")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .arg(version)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(ORDER)
        .subcommands(COMMANDS.iter().map(|entry| {
            let underscored = entry.underscored();
            let command = common_rules((entry.command)(registry));
            if underscored == entry.name { command } else { command.alias(underscored) }
        }))
}

/// The grammar of the reference: prefixes of long flags, the last of a repeated flag wins, `-1` is a value.
fn common_rules(command: Command) -> Command {
    command
        .infer_long_args(true)
        .args_override_self(true)
        .mut_args(|flag| if flag.get_action().takes_values() { flag.allow_negative_numbers(true) } else { flag })
        .mut_subcommands(common_rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        whole_program(&Registry::builtin()).debug_assert();
    }

    #[test]
    fn the_commands_that_the_demo_shows_can_be_typed() {
        for synthetic in [false, true] {
            let options = mist::demo::Options { output: "a folder/demo".into(), synthetic, overwrite: true };
            for line in mist::demo::commands(&options) {
                let parsed = whole_program(&Registry::builtin()).try_get_matches_from(line.words());
                assert!(parsed.is_ok(), "{line}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
            }
        }
    }

    #[test]
    fn the_aliases_are_those_of_the_reference() {
        let names = alias_names();
        assert!(names.contains(&"mist_run_all".to_owned()));
        assert!(names.contains(&"mist_convert_msd".to_owned()));
        assert!(names.contains(&"mist_convert_csv".to_owned()));
        assert!(!names.contains(&"mist_demo".to_owned()));
    }
}
