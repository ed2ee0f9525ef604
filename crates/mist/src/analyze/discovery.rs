//! Finding the files of the cases of a data set.
//!
//! A case is a folder. Its images and its mask are recognized by parts of their file names; names that start with a dot
//! are never looked at.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// How one file of a case is recognized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// What the file is: the name of a channel, or `mask`.
    pub name: String,
    /// The file name contains one of these.
    pub parts: Vec<String>,
}

/// A case folder and the files in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCase {
    /// Name of the folder.
    pub id: String,
    /// The folder.
    pub folder: PathBuf,
    /// For each pattern, the files that match it, sorted by name.
    pub matches: Vec<Vec<PathBuf>>,
}

/// Lists the cases in `folder`, sorted by id, with the files that match each of `patterns`. Plain files beside the case
/// folders are returned too; they are no cases.
pub fn find_cases(folder: &Path, patterns: &[Pattern]) -> Result<(Vec<FoundCase>, Vec<PathBuf>)> {
    let (mut cases, mut strays) = (Vec::new(), Vec::new());
    for (id, path) in visible_entries(folder)? {
        if path.is_dir() {
            let files: Vec<(String, PathBuf)> =
                // A link that leads nowhere is a file too: reading it says what is wrong.
                visible_entries(&path)?.into_iter().filter(|(_, file)| !file.is_dir()).collect();
            let matching = |pattern: &Pattern| {
                let matches = |name: &str| pattern.parts.iter().any(|part| name.contains(part.as_str()));
                files.iter().filter(|(name, _)| matches(name)).map(|(_, file)| file.clone()).collect()
            };
            cases.push(FoundCase { id, matches: patterns.iter().map(matching).collect(), folder: path });
        } else {
            strays.push(path);
        }
    }
    Ok((cases, strays))
}

/// Names and paths in a folder, sorted by name, without hidden ones.
fn visible_entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let failed = |error| Error::new("cannot list the folder").at(folder).because(error);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(Error::new("the name is not UTF-8 text, which the tables of a run are").at(&path));
        };
        if !name.starts_with('.') {
            entries.push((name.to_string(), path.clone()));
        }
    }
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn pattern(name: &str, part: &str) -> Pattern {
        Pattern { name: name.to_string(), parts: vec![part.to_string()] }
    }

    #[test]
    fn only_names_count_and_hidden_files_do_not() {
        let parent = tempfile::tempdir().unwrap();
        // The name of the folder above contains the pattern too.
        let folder = parent.path().join("t1_study");
        for file in ["b/t1.nii.gz", "b/._t1.nii.gz", "b/t1ce.nii.gz", "a/mask.nii.gz", ".hidden/t1.nii.gz"] {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(folder.join("notes.txt"), "").unwrap();
        let (cases, strays) = find_cases(&folder, &[pattern("t1", "t1"), pattern("mask", "mask")]).unwrap();
        assert_eq!(strays, [folder.join("notes.txt")]);
        assert_eq!(cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(cases[0].matches, [vec![], vec![folder.join("a/mask.nii.gz")]]);
        assert_eq!(cases[1].matches, [vec![folder.join("b/t1.nii.gz"), folder.join("b/t1ce.nii.gz")], vec![]]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = find_cases(Path::new("/no/such/folder"), &[]).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder"));
    }
}
