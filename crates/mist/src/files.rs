//! Writing files so that nothing half-written is ever seen: temporary file, fsync, rename.

use crate::error::{Error, Result};
use mist_volume::atomic;
use std::fs::{File, Metadata};
use std::io::{BufWriter, Write};
use std::path::Path;

/// Creates the folder and its parents, and removes temporary files that a killed program left in it.
pub fn create_folder(path: &Path) -> Result<()> {
    check_no_file_in_the_way(path)?;
    std::fs::create_dir_all(path).map_err(|error| {
        Error::new("cannot create the folder").at(path).because(error).hint("check the path and its permissions")
    })?;
    atomic::sweep(path);
    Ok(())
}

/// Fails where a file lies in the place of the folder or of one above it.
pub fn check_no_file_in_the_way(folder: &Path) -> Result<()> {
    match folder.ancestors().find(|ancestor| std::fs::symlink_metadata(ancestor).is_ok()) {
        Some(found) if !found.is_dir() => Err(Error::new("there is a file where a folder is needed")
            .at(found)
            .hint("give another folder, or move that file away")),
        _ => Ok(()),
    }
}

/// Fails with `what` (that there is none) and `hint` unless `path` is a folder.
pub fn require_folder(path: &Path, what: &str, hint: &str) -> Result<()> {
    require(path, |found| found.is_dir(), "it is a file, not a folder", what, hint)
}

/// Fails with `what` (that there is none) and `hint` unless `path` can be a file to read; that is also a pipe.
pub fn require_file(path: &Path, what: &str, hint: &str) -> Result<()> {
    require(path, |found| !found.is_dir(), "it is a folder, not a file", what, hint)
}

fn require(path: &Path, fits: fn(&Metadata) -> bool, misfit: &str, what: &str, hint: &str) -> Result<()> {
    let error = Error::new(what).at(path).hint(hint);
    match std::fs::metadata(path) {
        Ok(found) if fits(&found) => Ok(()),
        Ok(_) => Err(error.because(misfit)),
        Err(found) if found.kind() == std::io::ErrorKind::NotFound => Err(error),
        Err(found) => Err(error.because(found)),
    }
}

/// True if both paths lead to the same file, by whatever spelling or link; false where one of them does not exist.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Removes a file where there is one.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new("cannot remove the file").at(path).because(error))
        }
        _ => Ok(()),
    }
}

/// Replaces `path` by `contents`, completely or not at all.
pub fn write_atomically(path: &Path, contents: &[u8]) -> Result<()> {
    write_atomically_with(path, |file| file.write_all(contents))
}

/// Replaces `path` by what `write` produces, completely or not at all. The temporary file lies in the same folder.
pub fn write_atomically_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> std::io::Result<()>,
) -> Result<()> {
    atomic::replace(path, write).map_err(|error| match require_folder_of(path) {
        Err(missing) => missing,
        Ok(()) => {
            let kept = if path.exists() { "; the earlier version of the file was kept" } else { "" };
            Error::new("cannot write the file")
                .at(path)
                .because(error)
                .hint(format!("check the free space and the permissions of the folder{kept}"))
        }
    })
}

/// Fails where a file cannot be written because its folder is missing.
pub fn require_folder_of(path: &Path) -> Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir()) {
        None => Ok(()),
        Some(parent) => {
            let error = Error::new("cannot write the file").at(path);
            Err(match parent.exists() {
                true => error.because(format!("{} is no folder", parent.display())).hint("give another path"),
                false => error
                    .because("its folder does not exist")
                    .hint(format!("create the folder {}, or give another path", parent.display())),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_told_with_what_there_is_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let told = |name: &str| {
            let full = |_: &mut BufWriter<&mut File>| Err(std::io::ErrorKind::StorageFull.into());
            let error = write_atomically_with(&folder.path().join(name), full).unwrap_err();
            (error.to_string(), error.advice().unwrap_or_default().to_owned())
        };
        let (why, hint) = told("nowhere/a");
        assert!(why.contains("its folder does not exist") && hint.starts_with("create the folder"), "{why}; {hint}");
        assert!(!told("a").1.contains("kept"));
        write_atomically(&folder.path().join("a"), b"old").unwrap();
        let (why, hint) = told("a");
        assert!(
            why.contains("no storage space") && hint.ends_with("the earlier version of the file was kept"),
            "{why}; {hint}"
        );
        assert!(told("a/b").0.contains("is no folder"));
    }
}
