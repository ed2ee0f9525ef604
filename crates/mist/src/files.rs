//! Writing files so that nothing half-written is ever seen: temporary file, fsync, rename.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Creates the folder and its parents.
pub fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| {
        Error::new("cannot create the folder").at(path).because(error).hint("check the path and its permissions")
    })
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
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let replace = || -> std::io::Result<()> {
        let mut temporary = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)?;
        let mut buffered = BufWriter::new(temporary.as_file_mut());
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        make_readable(temporary.as_file())?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        Ok(())
    };
    replace().map_err(|error| {
        Error::new("cannot write the file")
            .at(path)
            .because(error)
            .hint("check the free space and the permissions of the folder; an earlier version of the file was kept")
    })
}

/// Temporary files are private to their owner; results are not.
#[cfg(unix)]
fn make_readable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &File) -> std::io::Result<()> {
    Ok(())
}
