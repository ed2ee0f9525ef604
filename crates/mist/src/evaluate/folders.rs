//! Pairs the files of two folders by name.

use crate::error::{CaseFailure, Error, Result};
use crate::tables::EvaluationCase;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Endings of image files, the longer ones first.
const ENDINGS: [&str; 2] = [".nii.gz", ".nii"];

/// Pairs masks and predictions whose file names are the same up to the ending, sorted by name. A mask without a prediction
/// is a case with the file that should be there. A prediction without a mask, and a name that occurs with two endings in one
/// folder, is a failure. Hidden files and other files are passed over.
pub(super) fn pair_files(masks: &Path, predictions: &Path) -> Result<(Vec<EvaluationCase>, Vec<CaseFailure>)> {
    let (mut mask_files, mut prediction_files) = (images(masks)?, images(predictions)?);
    let ids: BTreeSet<String> = mask_files.keys().chain(prediction_files.keys()).cloned().collect();
    let mut cases = Vec::new();
    let mut failures = Vec::new();
    for id in ids {
        let found = [(masks, mask_files.remove(&id)), (predictions, prediction_files.remove(&id))];
        let mut fail = |file: PathBuf, reason: String| {
            failures.push(CaseFailure { id: id.clone(), stage: "pairing".into(), file: Some(file), reason });
        };
        match found.map(|(folder, files)| one_of(folder, files)) {
            [Ok(Some(mask)), Ok(Some(prediction))] => cases.push(EvaluationCase { id, mask, prediction }),
            [Ok(Some(mask)), Ok(None)] => {
                let prediction = predictions.join(format!("{id}{}", ENDINGS[0]));
                cases.push(EvaluationCase { id, mask, prediction });
            }
            [Ok(None), Ok(Some(prediction))] => {
                fail(prediction, format!("no mask of that name in {}", masks.display()))
            }
            [Err((file, reason)), _] | [_, Err((file, reason))] => fail(file, reason),
            [Ok(None), Ok(None)] => {}
        }
    }
    Ok((cases, failures))
}

/// The only file of that name, or why it is not clear which one is meant.
fn one_of(folder: &Path, files: Option<Vec<PathBuf>>) -> Result<Option<PathBuf>, (PathBuf, String)> {
    let mut files = files.unwrap_or_default();
    if let [first, second] = &files[..] {
        let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
        return Err((
            folder.to_owned(),
            format!("it is not clear whether {} or {} is meant", name(first), name(second)),
        ));
    }
    Ok(files.pop())
}

/// The image files of a folder by name without ending.
fn images(folder: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>> {
    let unreadable = |error: std::io::Error| Error::new("cannot list the folder").at(folder).because(error);
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
        if let Some(stem) = stem.filter(|stem| !stem.is_empty() && !stem.starts_with('.'))
            && !path.is_dir()
        {
            files.entry(stem.to_owned()).or_default().push(path.clone());
        }
    }
    files.values_mut().for_each(|files| files.sort());
    Ok(files)
}

/// The first image file in a folder inside `folder`, as in `<id>/mask.nii.gz`; nothing where there is none.
pub(super) fn nested_image(folder: impl AsRef<Path>) -> Option<PathBuf> {
    let mut inner: Vec<PathBuf> =
        std::fs::read_dir(folder.as_ref()).ok()?.flatten().map(|entry| entry.path()).collect();
    inner.retain(|path| path.is_dir());
    inner.sort();
    inner.iter().find_map(|folder| images(folder).ok()?.into_values().flatten().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn files_of_the_same_name_are_pairs() {
        let masks = folder_with(&["b.nii.gz", "a.1.nii", ".hidden.nii", "notes.txt"]);
        let predictions = folder_with(&["a.1.nii.gz", "b.nii.gz"]);
        let (cases, failures) = pair_files(masks.path(), predictions.path()).unwrap();
        assert_eq!(failures, []);
        assert_eq!(cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["a.1", "b"]);
        assert_eq!(cases[0].mask, masks.path().join("a.1.nii"));
        assert_eq!(cases[0].prediction, predictions.path().join("a.1.nii.gz"));
    }

    #[test]
    fn a_file_without_partner_is_a_failure() {
        let masks = folder_with(&["a.nii", "b.nii"]);
        let predictions = folder_with(&["b.nii", "c.nii"]);
        let (cases, failures) = pair_files(masks.path(), predictions.path()).unwrap();
        // That there is no prediction is noticed where predictions are read.
        assert_eq!(cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(cases[0].prediction, predictions.path().join("a.nii.gz"));
        assert_eq!(failures.iter().map(|failure| failure.id.as_str()).collect::<Vec<_>>(), ["c"]);
        assert!(failures[0].reason.starts_with("no mask of that name in"));
    }

    #[test]
    fn one_name_with_two_endings_is_not_guessed_at() {
        let masks = folder_with(&["a.nii", "a.nii.gz"]);
        let predictions = folder_with(&["a.nii"]);
        let (cases, failures) = pair_files(masks.path(), predictions.path()).unwrap();
        assert_eq!(cases, []);
        assert_eq!(failures[0].reason, "it is not clear whether a.nii or a.nii.gz is meant");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let masks = folder_with(&[]);
        let error = pair_files(masks.path(), &masks.path().join("nowhere")).unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}
