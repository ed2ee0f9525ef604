//! `mist run-all`: analyze, preprocess and train, one after the other.

use crate::console::Console;
use crate::error::{CaseFailure, Result};
use crate::files::remove_file;
use crate::tables::{LeftOut, TrainPaths};
use crate::{analyze, preprocess, train};
use mist_nn::Registry;
use std::path::Path;

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
/// # Errors
/// Those of the stages; the stages after a failed one do not run.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let resume = options.train.resume;
    let analyzed = resume && options.analyze.results.join("config.json").is_file();
    let mut failures = match analyzed {
        true => {
            console.info("Resuming: the analysis is kept, and flags that only concern it have no effect");
            LeftOut::read(&LeftOut::file(&options.analyze.results))?
        }
        false => analyze::run_with(&options.analyze, console, || give_up_earlier_run(options))?,
    };
    // Arrays that were there before the analysis are those of another run.
    if analyzed && is_preprocessed(&options.preprocess)? {
        console.info("Resuming: the preprocessed arrays are kept");
        failures.extend(LeftOut::read(&LeftOut::file(&options.preprocess.numpy))?);
    } else {
        let overwrite = resume || options.preprocess.overwrite;
        let again = preprocess::Options { overwrite, ..options.preprocess.clone() };
        let preprocessed = preprocess::run(&again, registry, console);
        failures.extend(preprocessed.map_err(|error| error.if_interrupted(how_to_continue(options)))?);
    }
    failures.extend(train::run(&options.train, registry, console)?);
    Ok(failures)
}

/// What to do after a stop between analysis and training.
fn how_to_continue(options: &Options) -> &'static str {
    match options.train.overwrite {
        true => {
            "continue with the same command, but --resume instead of --overwrite: the analysis is kept, the arrays are made anew"
        }
        false => "continue with the same command and --resume: the analysis is kept, the arrays are made anew",
    }
}

/// From here on the folders hold the new run only, so that resuming it never takes the earlier one's analysis, arrays or
/// models for its own.
fn give_up_earlier_run(options: &Options) -> Result<()> {
    if options.analyze.overwrite {
        remove_file(&options.analyze.results.join("config.json"))?;
    }
    if options.preprocess.overwrite {
        preprocess::mark_unfinished(&options.preprocess.numpy)?;
    }
    match options.train.overwrite {
        true => train::discard::whole_run(&options.train.results),
        false => Ok(()),
    }
}

/// True if every case of the run has its arrays, or was left out by a preprocessing that came to its end. Arrays are written
/// atomically, so those that exist are complete; but while arrays are being replaced, some are those of an earlier run.
fn is_preprocessed(options: &preprocess::Options) -> Result<bool> {
    if preprocess::is_unfinished(&options.numpy) {
        return Ok(false);
    }
    let cases = TrainPaths::read(&options.results.join("train_paths.csv"))?;
    let left_out = LeftOut::read(&LeftOut::file(&options.numpy))?;
    let known_bad = |id: &str| left_out.iter().any(|failure| failure.id == id);
    let exists = |folder: &Path, id: &str| folder.join(format!("{id}.npy")).is_file();
    let (images, labels) = (options.numpy.join("images"), options.numpy.join("labels"));
    Ok(cases.cases.iter().all(|case| (exists(&images, &case.id) && exists(&labels, &case.id)) || known_bad(&case.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::TrainCase;
    use std::path::PathBuf;

    #[test]
    fn preprocessing_is_finished_when_every_case_has_both_arrays() {
        let folder = tempfile::tempdir().unwrap();
        let (results, numpy) = (folder.path().to_owned(), folder.path().join("numpy"));
        let case = |id: &str| TrainCase { id: id.into(), fold: 0, mask: PathBuf::new(), images: Vec::new() };
        let table = TrainPaths { images: Vec::new(), cases: vec![case("001"), case("002")] };
        table.write(&results.join("train_paths.csv")).unwrap();
        let options = preprocess::Options {
            results,
            numpy: numpy.clone(),
            workers: 1,
            no_preprocess: None,
            compute_dtms: None,
            overwrite: false,
        };
        let write = |name: &str| std::fs::write(numpy.join(name), "").unwrap();
        std::fs::create_dir_all(numpy.join("images")).unwrap();
        std::fs::create_dir_all(numpy.join("labels")).unwrap();
        write("images/001.npy");
        write("labels/001.npy");
        write("images/002.npy");
        assert!(!is_preprocessed(&options).unwrap());
        write("labels/002.npy");
        assert!(is_preprocessed(&options).unwrap());
        std::fs::remove_file(numpy.join("labels/002.npy")).unwrap();
        let failure = CaseFailure { id: "002".into(), stage: "reading".into(), file: None, reason: "broken".into() };
        LeftOut::write(&LeftOut::file(&numpy), &[failure]).unwrap();
        assert!(is_preprocessed(&options).unwrap(), "it would fail again");
        write(".unfinished");
        assert!(!is_preprocessed(&options).unwrap(), "some arrays may be those of an earlier run");
    }
}
