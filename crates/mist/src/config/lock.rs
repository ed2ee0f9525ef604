//! One process at a time changes `config.json`.

use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// Waits until no other process is changing the file, and keeps others out until the returned value is dropped.
///
/// The lock lies on a hidden file beside it, because the file itself is replaced on every write. File systems without
/// locks (some network mounts) are worked on without one: a lone user there must not be kept from working.
pub fn exclusive(path: &Path) -> Result<File> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lock_path = path.with_file_name(format!(".{name}.lock"));
    let failed = |error| Error::new("cannot lock the file against other runs").at(&lock_path).because(error);
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => file.lock().map(|()| file).map_err(failed),
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
