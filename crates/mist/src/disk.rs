//! Free space of file systems.

use std::path::Path;

/// Bytes that this user can still write to the file system of a folder, where the system tells. The folder need not exist yet.
pub fn free(folder: &Path) -> Option<u64> {
    let absolute = std::path::absolute(folder).ok()?;
    free_at(absolute.ancestors().find(|ancestor| ancestor.exists())?)
}

#[cfg(unix)]
fn free_at(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    // Some file systems of networks keep no count, and say 0 of everything.
    (found.f_blocks > 0).then(|| found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_at(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_yet_to_be_made_has_the_space_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let (here, below) = (free(folder.path()).unwrap(), free(&folder.path().join("not/yet")).unwrap());
        // Others write to the same disk.
        assert!(here > 0 && here.abs_diff(below) < here / 2 + 1, "{here} {below}");
    }
}
