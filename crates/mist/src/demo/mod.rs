//! `mist demo`: the whole job on data that come with the program, by calling the ordinary stages one after the other.

mod command_line;
mod plan;
mod scans;
mod scores;
mod summary;
mod synthetic;

pub use command_line::CommandLine;

use crate::config::{Choices, Config};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::create_folder;
use command_line::from_here;
use mist_nn::Registry;
use plan::Plan;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Folder for the scans and for everything made from them; created.
    pub output: PathBuf,
    /// Synthetic scans with two channels and a lesion instead of real ones.
    pub synthetic: bool,
    /// Allow writing into a folder that is not empty.
    pub overwrite: bool,
}

/// The commands that the demo runs with these options, in their order.
pub fn commands(options: &Options) -> Vec<CommandLine> {
    Plan::new(options).commands()
}

/// Writes the scans, runs every stage on them, and says what came out and where it lies. Returns the cases left out.
///
/// # Errors
/// The folder is not empty and may not be used, or those of the stages.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    demonstrate(options, registry, console)
        .map_err(|error| error.if_interrupted("start the demo again with --overwrite; it begins from the start"))
}

fn demonstrate(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let started = Instant::now();
    check_output(options)?;
    let plan = Plan::new(options);
    console.section("Writing the scans");
    create_folder(&options.output)?;
    plan.write_scans()?;
    console.success(&format!("the scans are in {}", from_here(&plan.scans).display()));

    let mut guide = Guide { registry, console, failures: Vec::new() };
    if let Some(convert) = &plan.convert {
        guide.step(convert, crate::convert::msd::run)?;
    }
    guide.step(&plan.analyze, crate::analyze::run)?;
    shorten_epochs(&plan, registry, console)?;
    guide.step(&plan.preprocess, crate::preprocess::run)?;
    for fold in &plan.train {
        guide.step(fold, crate::train::run)?;
    }
    guide.step(&plan.finalize, crate::finalize::run)?;
    guide.step(&plan.predict, crate::predict::run)?;
    guide.step(&plan.evaluate, crate::evaluate::run)?;
    summary::print(options, &plan, console)?;
    console.success(&format!("The demo took {:.1} minutes", started.elapsed().as_secs_f64() / 60.0));
    Ok(guide.failures)
}

/// Shows each command before its stage runs, and collects the cases that the stages leave out.
struct Guide<'a> {
    registry: &'a Registry,
    console: &'a dyn Console,
    failures: Vec<CaseFailure>,
}

impl Guide<'_> {
    fn step<'o, O>(
        &mut self,
        options: &'o O,
        stage: fn(&O, &Registry, &dyn Console) -> Result<Vec<CaseFailure>>,
    ) -> Result<()>
    where
        CommandLine: From<&'o O>,
    {
        self.console.info(&format!("\n$ {}", CommandLine::from(options)));
        CaseFailure::add_later(&mut self.failures, stage(options, self.registry, self.console)?);
        Ok(())
    }
}

fn check_output(options: &Options) -> Result<()> {
    let used = std::fs::read_dir(&options.output).is_ok_and(|mut entries| entries.next().is_some());
    if used && !options.overwrite {
        return Err(Error::new("the folder is not empty")
            .at(&options.output)
            .hint("choose another one with --output, or allow replacing what is in it with --overwrite"));
    }
    Ok(())
}

/// An epoch has 250 steps unless `config.json` says otherwise; a demo cannot wait that long.
fn shorten_epochs(plan: &Plan, registry: &Registry, console: &dyn Console) -> Result<()> {
    let path = plan.analyze.results.join("config.json");
    let steps = plan.steps_per_epoch;
    console.info(&format!(
        "\n# To keep the demo short: training.min_steps_per_epoch in {} is set to {steps}",
        from_here(Path::new(&path)).display()
    ));
    Config::update(&path, &Choices::of(registry), |config| {
        config.training.min_steps_per_epoch = steps;
        Ok(())
    })?;
    Ok(())
}
