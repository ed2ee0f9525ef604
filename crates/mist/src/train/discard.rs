//! Removing what an earlier run left, so that stopping and resuming the new one never mixes the two.

use super::checkpoint;
use super::log::log_folder;
use crate::error::{Error, Result};
use crate::files::remove_file;
use crate::predict::out_of_fold;
use crate::tables::TrainPaths;
use crate::{model_record, network};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Removes checkpoints, models, logs and predictions of these folds, and the table of scores.
pub fn folds(results: &Path, folds: &[usize]) -> Result<()> {
    // All cases of the table, also those that have lost their arrays: their predictions are as old.
    let table = TrainPaths::read(&results.join("train_paths.csv"))?;
    for &fold in folds {
        remove_fold(results, fold)?;
    }
    for case in table.cases.iter().filter(|case| folds.contains(&case.fold)) {
        remove_file(&out_of_fold::prediction_file(results, &case.id))?;
    }
    remove_file(&results.join("results.csv"))
}

/// Removes the same of all folds, however many the earlier run had and whatever its cases were.
pub fn whole_run(results: &Path) -> Result<()> {
    let mut folds = BTreeSet::new();
    for folder in ["models", "checkpoints", "logs"] {
        folds.extend(entries(&results.join(folder))?.iter().filter_map(|path| fold_of(path)));
    }
    for fold in folds {
        remove_fold(results, fold)?;
    }
    for prediction in entries(&results.join(out_of_fold::FOLDER))? {
        if prediction.to_string_lossy().ends_with(".nii.gz") {
            remove_file(&prediction)?;
        }
    }
    remove_file(&results.join("results.csv"))
}

fn remove_fold(results: &Path, fold: usize) -> Result<()> {
    // Checkpoints first: with one a resumed run goes on, whatever else is there.
    let weights = network::weights_file(&results.join("models"), fold);
    let record = model_record::file(&weights);
    for file in [checkpoint::file(results, fold), checkpoint::previous_file(results, fold), record, weights] {
        remove_file(&file)?;
    }
    let logs = log_folder(results, fold);
    match std::fs::remove_dir_all(&logs) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::new("cannot remove the logs of the earlier run").at(&logs).because(error))
        }
        _ => Ok(()),
    }
}

/// The fold that a file or folder belongs to: `fold_3.pt`, `fold_3_checkpoint.pt`, `fold_3`.
fn fold_of(path: &Path) -> Option<usize> {
    let name = path.file_name()?.to_str()?.strip_prefix("fold_")?;
    name.split(['.', '_']).next()?.parse().ok()
}

/// What lies in a folder; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::new("cannot list the folder").at(folder).because(error);
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
        Ok(found) => found.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::TrainCase;

    /// A results folder with all that training leaves of folds 0 and 4; the case of each is named after it.
    fn trained() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path();
        let case =
            |fold: usize| TrainCase { id: format!("case{fold}"), fold, mask: PathBuf::new(), images: Vec::new() };
        TrainPaths { images: Vec::new(), cases: vec![case(0), case(4)] }
            .write(&results.join("train_paths.csv"))
            .unwrap();
        for file in left_by(0).into_iter().chain(left_by(4)).chain(["results.csv".to_owned()]) {
            let path = results.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "old").unwrap();
        }
        folder
    }

    fn left_by(fold: usize) -> Vec<String> {
        vec![
            format!("checkpoints/fold_{fold}_checkpoint.pt"),
            format!("checkpoints/fold_{fold}_checkpoint.previous.pt"),
            format!("models/fold_{fold}.pt"),
            format!("logs/fold_{fold}/history.csv"),
            format!("logs/fold_{fold}/losses_train/events.out.tfevents.1"),
            format!("predictions/train/raw/case{fold}.nii.gz"),
        ]
    }

    #[test]
    fn nothing_of_a_discarded_fold_is_left_and_all_of_the_others() {
        let folder = trained();
        folds(folder.path(), &[4]).unwrap();
        let there = |fold| left_by(fold).iter().filter(|file| folder.path().join(file).exists()).count();
        assert_eq!((there(0), there(4)), (6, 0));
        assert!(!folder.path().join("results.csv").exists());
        folds(folder.path(), &[4]).expect("nothing left to remove");
    }

    #[test]
    fn nothing_of_a_discarded_run_is_left_whatever_its_folds_and_cases() {
        let folder = trained();
        std::fs::remove_file(folder.path().join("train_paths.csv")).unwrap();
        whole_run(folder.path()).unwrap();
        for file in [left_by(0), left_by(4), vec!["results.csv".to_owned()]].concat() {
            assert!(!folder.path().join(&file).exists(), "{file}");
        }
        whole_run(&folder.path().join("nowhere")).expect("nothing to remove");
    }
}
