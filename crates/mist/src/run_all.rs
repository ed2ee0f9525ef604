//! `mist run-all`: analyze, preprocess and train, one after the other.

use crate::config::{Choices, Config, Preprocessing, Training};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::remove_file;
use crate::memory::Allowance;
use crate::tables::{LeftOut, TrainPaths};
use crate::{analyze, preprocess, train};
use mist_nn::Registry;

/// What each of the three stages is asked to do. They share the folders.
#[derive(Clone, Debug)]
pub struct Options {
    /// First.
    pub analyze: analyze::Options,
    /// Second.
    pub preprocess: preprocess::Options,
    /// Third. With `resume`, finished stages before it are kept as they are.
    pub train: train::Options,
}

/// Runs the three stages and returns the cases that any of them left out, those of kept stages included.
///
/// With `resume`, cases that a kept preprocessing left out are tried again. Those that the analysis left out stay so: its plan
/// and folds were made without them.
///
/// # Errors
/// Those of the stages; the stages after a failed one do not run.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let resume = options.train.resume;
    let config = options.analyze.results.join("config.json");
    let kept = match resume && config.is_file() {
        true => Some(Config::load(&config, &Choices::of(registry))?),
        false => None,
    };
    check(options, kept.as_ref(), registry)?;
    let mut failures = match kept {
        Some(_) => {
            console.info("Resuming: the analysis is kept, and flags that only concern it have no effect");
            LeftOut::read(&LeftOut::file(&options.analyze.results))?
        }
        None => analyze::run_with(&options.analyze, console, || give_up_earlier_run(options))?,
    };
    // Patch size, network and memory can be judged from here on, which is before the longer stages.
    let analyzed = Config::load(&config, &Choices::of(registry))?;
    let memory = Allowance::new(options.train.max_memory, console);
    train::check_settings(&analyzed, &options.train, registry, memory)?;
    // Arrays that were there before the analysis are those of another run.
    let preprocessed = match &kept {
        Some(config) => is_preprocessed(&options.preprocess, &config.preprocessing)?,
        None => false,
    };
    if preprocessed {
        console.info("Resuming: the preprocessed arrays are kept");
        // Why a case was left out may have passed: a disk that was not there, memory that others had.
        let left_out = preprocess::retry(&options.preprocess, console);
        let hint = train::how_to_continue(&options.train);
        CaseFailure::add_later(&mut failures, left_out.map_err(|error| error.if_interrupted(hint))?);
    } else {
        // A resumed run keeps the arrays that are what it would make.
        let again = preprocess::Options { resume, ..options.preprocess.clone() };
        let preprocessed = preprocess::run(&again, registry, console);
        let left_out = preprocessed.map_err(|error| error.if_interrupted(how_to_continue(options)))?;
        CaseFailure::add_later(&mut failures, left_out);
    }
    CaseFailure::add_later(&mut failures, train::run(&options.train, registry, console)?);
    Ok(failures)
}

/// Refuses at once what training would refuse after hours of preprocessing. `kept` is the configuration of a resumed run.
fn check(options: &Options, kept: Option<&Config>, registry: &Registry) -> Result<()> {
    train::check_modes(&options.train)?;
    let mut training = kept.map_or_else(Training::default, |config| config.training.clone());
    training.epochs = options.train.overrides.epochs.unwrap_or(training.epochs);
    training.warmup_epochs = options.train.overrides.warmup_epochs.unwrap_or(training.warmup_epochs);
    training.check_warmup()?;
    let loss = match (&options.train.overrides.loss, kept) {
        (Some(name), _) => name.clone(),
        (None, Some(config)) => config.training.loss.name.clone(),
        (None, None) => Training::default().loss.name,
    };
    let configured = kept.is_some_and(|config| config.preprocessing.compute_dtms);
    let maps = options.preprocess.compute_dtms.unwrap_or(configured);
    match registry.find_loss(&loss) {
        Some(entry) if entry.needs.distance_maps && !maps => {
            Err(Error::usage(format!("the loss {loss} needs distance maps")).hint("make them with --compute-dtms"))
        }
        _ => Ok(()),
    }
}

/// What to do after a stop between analysis and training.
fn how_to_continue(options: &Options) -> &'static str {
    match options.train.overwrite {
        true => {
            "continue with the same command, but --resume instead of --overwrite: the analysis and finished arrays are kept"
        }
        false => "continue with the same command and --resume: the analysis and finished arrays are kept",
    }
}

/// From here on the folders hold the new run only, so that resuming it never takes the earlier one's analysis, arrays or
/// models for its own.
fn give_up_earlier_run(options: &Options) -> Result<()> {
    // The analysis goes last: without one, what is left of the models would be continued with the new one.
    if options.train.overwrite {
        train::discard::whole_run(&options.train.results)?;
    }
    if options.preprocess.overwrite {
        preprocess::mark_unfinished(&options.preprocess.numpy)?;
    }
    match options.analyze.overwrite {
        true => remove_file(&options.analyze.results.join("config.json")),
        false => Ok(()),
    }
}

/// True if every case of the run has the arrays that are asked for, or was left out by a preprocessing that came to its end.
/// Arrays are written atomically, so those that exist are complete; but while arrays are being replaced, some are those of
/// an earlier run. `made_by` are the settings of the last preprocessing that came to its end.
fn is_preprocessed(options: &preprocess::Options, made_by: &Preprocessing) -> Result<bool> {
    let another_way = options.no_preprocess.is_some_and(|skip| skip != made_by.skip);
    if another_way || preprocess::is_unfinished(&options.numpy) {
        return Ok(false);
    }
    let cases = TrainPaths::read(&options.results.join("train_paths.csv"))?;
    let left_out = LeftOut::read(&LeftOut::file(&options.numpy))?;
    let known_bad = |id: &str| left_out.iter().any(|failure| failure.id == id);
    let mut folders = vec![options.numpy.join("images"), options.numpy.join("labels")];
    if options.compute_dtms.unwrap_or(made_by.compute_dtms) {
        folders.push(options.numpy.join("dtms"));
    }
    let complete = |id: &str| folders.iter().all(|folder| folder.join(format!("{id}.npy")).is_file());
    Ok(cases.cases.iter().all(|case| complete(&case.id) || known_bad(&case.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CtNormalization;
    use crate::tables::TrainCase;
    use std::path::PathBuf;

    const MADE_BY: Preprocessing = Preprocessing {
        skip: false,
        crop_to_foreground: true,
        median_resampled_image_size: [0; 3],
        normalize_with_nonzero_mask: false,
        ct_normalization: CtNormalization { window_min: None, window_max: None, z_score_mean: None, z_score_std: None },
        compute_dtms: false,
        normalize_dtms: true,
    };

    /// A run of the cases 001 and 002, and empty folders for their arrays.
    fn analyzed() -> (tempfile::TempDir, preprocess::Options) {
        let folder = tempfile::tempdir().unwrap();
        let (results, numpy) = (folder.path().to_owned(), folder.path().join("numpy"));
        let case = |id: &str| TrainCase { id: id.into(), fold: 0, mask: PathBuf::new(), images: Vec::new() };
        let table = TrainPaths { images: Vec::new(), cases: vec![case("001"), case("002")] };
        table.write(&results.join("train_paths.csv")).unwrap();
        for kind in ["images", "labels", "dtms"] {
            std::fs::create_dir_all(numpy.join(kind)).unwrap();
        }
        let options = preprocess::Options {
            results,
            numpy,
            workers: 1,
            no_preprocess: None,
            compute_dtms: None,
            max_memory: None,
            resume: false,
            overwrite: false,
        };
        (folder, options)
    }

    fn write(options: &preprocess::Options, names: &[&str]) {
        names.iter().for_each(|name| std::fs::write(options.numpy.join(name), "").unwrap());
    }

    #[test]
    fn preprocessing_is_finished_when_every_case_has_both_arrays() {
        let (_folder, options) = analyzed();
        let is_preprocessed = || is_preprocessed(&options, &MADE_BY).unwrap();
        write(&options, &["images/001.npy", "labels/001.npy", "images/002.npy"]);
        assert!(!is_preprocessed());
        write(&options, &["labels/002.npy"]);
        assert!(is_preprocessed());
        std::fs::remove_file(options.numpy.join("labels/002.npy")).unwrap();
        let failure = CaseFailure { id: "002".into(), stage: "reading".into(), file: None, reason: "broken".into() };
        LeftOut::write(&LeftOut::file(&options.numpy), &[failure]).unwrap();
        assert!(is_preprocessed(), "the others need not be made again");
        write(&options, &[".unfinished"]);
        assert!(!is_preprocessed(), "some arrays may be those of an earlier run");
    }

    #[test]
    fn arrays_that_were_made_another_way_are_made_again() {
        let (_folder, options) = analyzed();
        write(&options, &["images/001.npy", "labels/001.npy", "images/002.npy", "labels/002.npy"]);
        let with = |no_preprocess, compute_dtms| preprocess::Options { no_preprocess, compute_dtms, ..options.clone() };
        assert!(is_preprocessed(&with(Some(false), Some(false)), &MADE_BY).unwrap());
        assert!(!is_preprocessed(&with(Some(true), None), &MADE_BY).unwrap());
        assert!(!is_preprocessed(&with(None, Some(true)), &MADE_BY).unwrap());
        let made_by = Preprocessing { compute_dtms: true, ..MADE_BY };
        assert!(!is_preprocessed(&with(None, None), &made_by).unwrap(), "the maps are lost");
        write(&options, &["dtms/001.npy", "dtms/002.npy"]);
        assert!(is_preprocessed(&with(None, None), &made_by).unwrap());
    }
}
