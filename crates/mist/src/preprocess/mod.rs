//! `preprocess`: from scans to the arrays that training reads.
//!
//! Each case is cropped, turned to the standard frame, resampled, normalized and stacked on its own ([`case`]); this
//! module goes over the cases of a run. Prediction prepares its scans by the same function.

pub(crate) mod budget;
pub mod case;
pub mod distance_maps;
mod forecast;
mod inputs;
mod interleave;
pub mod normalize;
pub(crate) mod origin;
mod output;
pub mod problem;
pub mod read;
pub mod settings;
mod space;
#[cfg(test)]
mod tests;

pub use case::{PreprocessedCase, preprocess_case};
pub use output::is_unfinished;
pub(crate) use output::mark_unfinished;
pub use settings::Settings;

use crate::config::{Choices, Config};
use crate::console::Console;
use crate::disk;
use crate::error::{CaseFailure, Error, Result};
use crate::memory::{Allowance, Budget};
use crate::parallel;
use crate::tables::LeftOut;
use crate::text::plural;
use forecast::Forecast;
use inputs::TrainingFiles;
use origin::Origin;
use output::Output;
use problem::Problem;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Folder that analysis has filled.
    pub results: PathBuf,
    /// Folder for the arrays; created.
    pub numpy: PathBuf,
    /// Cases in work at once.
    pub workers: usize,
    /// Only convert to arrays; an explicit answer is kept in `config.json`, no answer leaves what stands there.
    pub no_preprocess: Option<bool>,
    /// Also write distance maps; an explicit answer is kept in `config.json`, no answer leaves what stands there.
    pub compute_dtms: Option<bool>,
    /// Bytes of memory that the command may take; by default what is free.
    pub max_memory: Option<u64>,
    /// Keep the arrays in the folder that are what this run would make.
    pub resume: bool,
    /// Allow writing into a folder that is not empty, and make all arrays anew.
    pub overwrite: bool,
}

impl Options {
    fn apply(&self, config: &mut Config) {
        let preprocessing = &mut config.preprocessing;
        preprocessing.skip = self.no_preprocess.unwrap_or(preprocessing.skip);
        preprocessing.compute_dtms = self.compute_dtms.unwrap_or(preprocessing.compute_dtms);
    }
}

/// Writes `images/<id>.npy`, `labels/<id>.npy` and, where asked for, `dtms/<id>.npy` for every case of `train_paths.csv`. Returns the cases left out.
///
/// Fails as a whole when the inputs are incomplete, when the output folder is in use, when the arrays would not fit onto its
/// disk, or when it cannot be written; a case whose scans cannot be used is reported and left out, and so are its arrays of an earlier run.
pub fn run(options: &Options, _registry: &mist_nn::Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    preprocess(options, Scope::All, disk::free, console).map_err(|error| {
        error.if_interrupted(
            "continue with the same command, and --resume in the place of --overwrite: arrays that are there are kept",
        )
    })
}

/// Tries the cases again that an earlier run, which came to its end, has left out, and leaves the arrays of the others alone.
/// Returns the cases that are left out again.
pub(crate) fn retry(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let left_out = LeftOut::read(&LeftOut::file(&options.numpy))?;
    match left_out.is_empty() {
        true => Ok(left_out),
        false => preprocess(options, Scope::LeftOut(left_out), disk::free, console),
    }
}

/// The cases to go over.
enum Scope {
    /// Every case of the run.
    All,
    /// Those that an earlier run has left out.
    LeftOut(Vec<CaseFailure>),
}

/// `free` tells the free space where a folder is, or will be.
fn preprocess(
    options: &Options,
    scope: Scope,
    free: impl Fn(&Path) -> Option<u64>,
    console: &dyn Console,
) -> Result<Vec<CaseFailure>> {
    if options.resume && options.overwrite {
        return Err(Error::usage("--resume and --overwrite exclude each other")
            .hint("--resume keeps arrays that are up to date, --overwrite makes all anew"));
    }
    console.section("Preprocessing");
    // The network and the loss may be those of another program.
    let choices = Choices::any();
    let mut config = inputs::load_config(&options.results, &choices)?;
    options.apply(&mut config);
    config.warn_of_unknown_keys(console);
    let settings = Settings::of(&config, Allowance::new(options.max_memory, console))?;
    let mut cases = inputs::cases(&options.results, &config)?;
    let output = Output::at(&options.numpy);
    match &scope {
        Scope::All => {
            if !options.overwrite && !options.resume {
                output.check_empty()?;
            }
            if options.resume && settings.distance_maps.is_none() && options.compute_dtms.is_none() {
                refuse_to_forget_distance_maps(&output, options)?;
            }
            for note in output.stale(&cases)? {
                console.warn(&note);
            }
            if options.resume {
                let all = cases.len();
                cases.retain(|case| !output.is_current(&settings, case));
                console.info(&format!("{} of {all} cases are up to date", all - cases.len()));
            }
        }
        Scope::LeftOut(left_out) => {
            cases.retain(|case| left_out.iter().any(|failure| failure.id == case.id));
            let count = plural(cases.len(), "case");
            console.info(&format!("Trying {count} again that an earlier run left out"));
        }
    }
    let forecast = Forecast::of(&settings, &cases, options.workers)?;
    forecast.tell(settings.memory, console);
    let more = forecast.disk - output.bytes_of(&cases) as f64;
    space::check(&options.numpy, more, free(&options.numpy))?;
    match scope {
        Scope::All => output.begin(settings.distance_maps.is_some())?,
        Scope::LeftOut(_) => output.begin_again(settings.distance_maps.is_some())?,
    }

    let bar = console.bar("Preprocessing", cases.len() as u64);
    let budget = Budget::new(settings.memory.bytes().unwrap_or(f64::INFINITY));
    let work: Vec<(&TrainingFiles, f64)> = cases.iter().zip(forecast.memory).collect();
    let outcomes = parallel::map(&work, options.workers, |&(case, bytes)| {
        let _share = budget.take(bytes);
        // Before anything is read: a file that is replaced in between is another one than noted.
        let origin = Origin::of(&settings, case);
        let failure = match prepare(&settings, case) {
            Ok(arrays) => output.write(&case.id, &arrays, origin).map(|()| None)?,
            Err(problem) => output.remove(&case.id).map(|()| Some(problem.of_case(&case.id)))?,
        };
        if let Some(failure) = &failure {
            console.error(&failure.to_string());
        }
        bar.advance(1);
        Ok(failure)
    })?;
    drop(bar);

    if options.no_preprocess.is_some() || options.compute_dtms.is_some() {
        // Only now: an interrupted run must not leave a configuration that its arrays do not follow.
        Config::update(&options.results.join(inputs::CONFIG), &choices, |config| {
            options.apply(config);
            Ok(())
        })?;
    }
    let failures: Vec<CaseFailure> = outcomes.into_iter().flatten().collect();
    output.finish(&failures)?;
    match failures.len() {
        0 if cases.is_empty() => console.success("all arrays are up to date"),
        0 => console.success(&format!("preprocessed {}", plural(cases.len(), "case"))),
        failed => console.warn(&format!("preprocessed {} of {} cases", cases.len() - failed, cases.len())),
    }
    Ok(failures)
}

/// The configuration learns of them when a run has come to its end.
fn refuse_to_forget_distance_maps(output: &Output, options: &Options) -> Result<()> {
    match output.has_stopped_with_distance_maps() {
        true => Err(Error::new("the run that was stopped made distance maps, which this one would remove")
            .at(&options.numpy)
            .hint("give --compute-dtms to go on with them, or --compute-dtms false to make arrays without")),
        false => Ok(()),
    }
}

fn prepare(settings: &Settings, case: &TrainingFiles) -> Result<PreprocessedCase, Problem> {
    case.check_listed()?;
    preprocess_case(settings, &case.images, Some(&case.mask), case.bounding_box)
}
