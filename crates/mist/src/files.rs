//! Writing files so that nothing half-written is ever seen: temporary file, fsync, rename.

use crate::error::{Error, Result};
use mist_volume::atomic;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Creates the folder and its parents, and removes temporary files that a killed program left in it.
pub fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| {
        Error::new("cannot create the folder").at(path).because(error).hint("check the path and its permissions")
    })?;
    atomic::sweep(path);
    Ok(())
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
    atomic::replace(path, write).map_err(|error| {
        Error::new("cannot write the file")
            .at(path)
            .because(error)
            .hint("check the free space and the permissions of the folder; an earlier version of the file was kept")
    })
}
