//! Finding the files of the cases of a data set.
//!
//! A case is a folder. Its images and its mask are recognized by parts of their file names; names that start with a dot
//! are never looked at.

use crate::error::{Error, Result};
use crate::tables::is_file_name;
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
    /// For each pattern, the files that match it, sorted by name; or why there are none to look for.
    pub matches: Result<Vec<Vec<PathBuf>>, String>,
}

/// Lists the cases in `folder`, sorted by id, with the files that match each of `patterns`. Plain files beside the case
/// folders are returned too; they are no cases.
pub fn find_cases(folder: &Path, patterns: &[Pattern]) -> Result<(Vec<FoundCase>, Vec<PathBuf>)> {
    let (mut cases, mut strays) = (Vec::new(), Vec::new());
    let entries = visible_entries(folder);
    let failed = |error| Error::new("cannot list the folder").at(folder).because(error);
    for path in entries.map_err(failed)? {
        // The folder of a disk that is not there is a case too.
        let leads_nowhere = path.is_symlink() && !path.exists();
        if path.is_dir() || leads_nowhere {
            let id = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let matches = match leads_nowhere {
                true => Err("the link leads nowhere".to_owned()),
                false => matches(&id, &path, patterns),
            };
            cases.push(FoundCase { id, matches, folder: path });
        } else {
            strays.push(path);
        }
    }
    Ok((cases, strays))
}

fn matches(id: &str, folder: &Path, patterns: &[Pattern]) -> Result<Vec<Vec<PathBuf>>, String> {
    if !is_file_name(id) {
        return Err("no later stage could take its name".to_owned());
    }
    let mut files = Vec::new();
    for path in visible_entries(folder).map_err(|error| error.to_string())? {
        match path.to_str() {
            None => return Err(format!("{} is not UTF-8 text, which the tables of a run are", path.display())),
            // A link that leads nowhere is a file too: reading it says what is wrong.
            Some(_) if !path.is_dir() => files.push(path),
            Some(_) => {}
        }
    }
    let matching = |pattern: &Pattern| {
        let matches = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            pattern.parts.iter().any(|part| name.contains(part.as_str()))
        };
        files.iter().filter(matches).cloned().collect()
    };
    Ok(patterns.iter().map(matching).collect())
}

/// What a folder holds, sorted by name, without hidden entries.
fn visible_entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
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
        let matches = |case: usize| cases[case].matches.clone().unwrap();
        assert_eq!(matches(0), [vec![], vec![folder.join("a/mask.nii.gz")]]);
        assert_eq!(matches(1), [vec![folder.join("b/t1.nii.gz"), folder.join("b/t1ce.nii.gz")], vec![]]);
    }

    #[test]
    #[cfg(unix)]
    fn one_bad_folder_is_a_matter_of_its_case() {
        use std::ffi::OsStr;
        use std::os::unix::{ffi::OsStrExt, fs::symlink};
        let parent = tempfile::tempdir().unwrap();
        for folder in ["a", "b", "c\\d"] {
            fs::create_dir(parent.path().join(folder)).unwrap();
        }
        fs::write(parent.path().join("a/mask.nii"), "").unwrap();
        fs::write(parent.path().join("a").join(OsStr::from_bytes(b".hidden\xff")), "").unwrap();
        fs::write(parent.path().join("b").join(OsStr::from_bytes(b"mask\xff")), "").unwrap();
        symlink(parent.path().join("not mounted"), parent.path().join("e")).unwrap();
        let (cases, strays) = find_cases(parent.path(), &[pattern("mask", "mask")]).unwrap();
        assert_eq!(strays, Vec::<PathBuf>::new());
        let found: Vec<(&str, Option<&str>)> = cases
            .iter()
            .map(|case| (case.id.as_str(), case.matches.as_ref().err().map(|why| why.split(' ').next_back().unwrap())))
            .collect();
        assert_eq!(found, [("a", None), ("b", Some("are")), ("c\\d", Some("name")), ("e", Some("nowhere"))]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = find_cases(Path::new("/no/such/folder"), &[]).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder"));
    }
}
