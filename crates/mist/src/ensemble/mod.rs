//! `ensemble`: the segmentations of several methods, joined into one.

mod labels;
mod majority_vote;
mod patterns;
mod probabilities;
mod staple;

use crate::config::{Choices, Config};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{create_folder, is_same_file, require_file, require_folder};
use crate::label_map::{self, ENDING, LabelFile};
use crate::parallel;
use crate::preprocess::problem::Problem;
use crate::text::plural;
use mist_volume::{Volume, nifti};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Folders with one file per case, two or more, with the same cases.
    pub predictions: Vec<PathBuf>,
    /// Folder for the results, created.
    pub output: PathBuf,
    /// What the files hold, and how they are joined.
    pub method: Method,
    /// Cases in work at once.
    pub workers: usize,
}

/// How segmentations are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// Label maps: each rater counts by how reliable it is, which is estimated from the maps (Warfield et al. 2004).
    Staple,
    /// Label maps: the label that most raters give; background where several have the most.
    MajorityVote,
    /// Probabilities: the most probable class of their mean. The configuration says what the classes are.
    Mean {
        /// The `config.json` of one of the methods.
        config: PathBuf,
    },
}

/// Joins `<id>.nii.gz` of all folders to `<output>/<id>.nii.gz`. Returns the cases that failed; the others go on.
///
/// # Errors
/// Fewer than two folders, one that is missing or has other cases, or an unusable configuration: before anything is written.
pub fn run(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let Options { predictions, output, method, workers } = options;
    if predictions.len() < 2 {
        return Err(Error::usage("mist_ensemble requires at least two prediction directories.")
            .hint("give several folders to --predictions"));
    }
    for folder in predictions {
        require_folder(folder, "Prediction directory not found", "name folders of <id>.nii.gz")?;
        if is_same_file(folder, output) {
            return Err(Error::usage("the results would replace what they are made from")
                .at(folder)
                .hint("give another folder with --output"));
        }
    }
    let labels = match method {
        Method::Staple | Method::MajorityVote => None,
        Method::Mean { config } => {
            require_file(config, "Config file not found", "name the config.json of one of the methods")?;
            let config = Config::load(config, &Choices::any())?;
            Some((config.model.params.out_channels, config.dataset_info.labels))
        }
    };
    let cases = cases(predictions)?;
    create_folder(output)?;
    if cases.is_empty() {
        console.warn("there are no .nii.gz files in the folders, and nothing to join");
    }
    let bar = console.bar("Ensembling predictions", cases.len() as u64);
    let results = parallel::map(&cases, *workers, |case| {
        let joined = match (&labels, method) {
            (Some((classes, labels)), _) => {
                probabilities::join(&case.files, *classes, labels).map(|map| (map, 0, None))
            }
            (None, Method::MajorityVote) => labels::join(&case.files, labels::Backend::MajorityVote),
            (None, _) => labels::join(&case.files, labels::Backend::Staple),
        };
        let result = joined.and_then(|(map, undecided, note)| {
            write(&output.join(format!("{}{ENDING}", case.id)), &map).map(|()| (undecided, note))
        });
        bar.advance(1);
        Ok(result)
    })
    .map_err(|error| error.if_interrupted("start the same command again; what is written is complete"))?;
    drop(bar);

    let (mut failures, mut undecided) = (Vec::new(), 0);
    for (case, result) in cases.iter().zip(results) {
        match result {
            Ok((voxels, note)) => {
                undecided += voxels;
                note.into_iter().for_each(|note| console.warn(&format!("{}: {note}", case.id)));
            }
            Err(problem) => {
                let failure = problem.of_case(&case.id);
                console.error(&failure.to_string());
                failures.push(failure);
            }
        }
    }
    if undecided > 0 {
        console.info(&format!(
            "{} on which the methods are equally divided became background",
            plural(undecided as usize, "voxel")
        ));
    }
    match failures.len() {
        0 => console.success("Ensemble completed successfully."),
        count if count == cases.len() => {
            return Err(Error::new("no case could be joined")
                .place(plural(count, "case"))
                .because("what is wrong with each is said above"));
        }
        count => console.warn(&format!("{count} of {} cases failed", cases.len())),
    }
    Ok(failures)
}

/// A case of all folders.
struct Case {
    id: String,
    /// Its files, in the order of the folders.
    files: Vec<PathBuf>,
}

/// The cases, which must be the same in every folder.
fn cases(folders: &[PathBuf]) -> Result<Vec<Case>> {
    let listed: Vec<Vec<LabelFile>> =
        folders.iter().map(|folder| label_map::list(folder).map(|(files, _)| files)).collect::<Result<_>>()?;
    let ids = |files: &[LabelFile]| files.iter().map(|file| file.id.clone()).collect::<BTreeSet<String>>();
    let Some(first) = listed.first() else { return Ok(Vec::new()) };
    let expected = ids(first);
    for (files, folder) in listed.iter().zip(folders).skip(1) {
        let found = ids(files);
        let list = |ids: Vec<&String>| ids.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let (missing, extra) =
            (list(expected.difference(&found).collect()), list(found.difference(&expected).collect()));
        let parts = [("missing from", missing), ("extra in", extra)].into_iter().filter(|(_, ids)| !ids.is_empty());
        let parts: Vec<String> = parts.map(|(what, ids)| format!("{what} {}: {ids}", folder.display())).collect();
        if !parts.is_empty() {
            return Err(Error::new("Patient IDs do not match across prediction directories.")
                .at(folder)
                .because(parts.join("; "))
                .hint("the folders must hold the same cases, under the same names"));
        }
    }
    let case = |(at, file): (usize, &LabelFile)| Case {
        id: file.id.clone(),
        files: listed.iter().map(|files| files[at].path.clone()).collect(),
    };
    Ok(first.iter().enumerate().map(case).collect())
}

fn write(file: &Path, map: &Volume<u8>) -> Result<(), Problem> {
    nifti::write(file, map).map_err(|error| Problem::with_file("writing", file, error.problem))
}

#[cfg(test)]
mod tests;
