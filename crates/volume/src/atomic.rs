//! Replacing files so that nothing half-written is ever seen.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;
use std::time::Duration;

/// Beginning of the names of temporary files.
const PREFIX: &str = ".mist-writing-";
/// A file this young may belong to a program that has not locked it yet.
const GRACE: Duration = Duration::from_secs(60);

/// Replaces `path` by what `write` produces, completely or not at all: temporary file in the same folder, fsync, rename.
pub fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Opened here, as results are readable as the user's mask of permissions says, and errors must not name this file.
    let create = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
    let mut temporary = tempfile::Builder::new().prefix(PREFIX).make_in(folder, create)?;
    // Tells `sweep` of other programs that the file is in use; file systems without locks do without.
    let _ = temporary.as_file().try_lock();
    let mut buffered = BufWriter::new(temporary.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

/// Removes the temporary files that killed programs left in a folder, so that they do not pile up. Files that are being
/// written are locked and stay.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_abandoned(&entry.path()) {
            // Only tidying up: what cannot be removed is in nobody's way.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    let Ok(file) = File::options().write(true).open(path) else { return false };
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let age = modified.and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age > GRACE) && file.try_lock().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;
    use std::time::SystemTime;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_earlier_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, |file| file.write_all(b"old")).unwrap();
        let full = |file: &mut BufWriter<&mut File>| {
            file.write_all(b"new")?;
            Err(Error::from(std::io::ErrorKind::StorageFull))
        };
        assert_eq!(replace(&path, full).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        assert_eq!((names(folder.path()), std::fs::read(&path).unwrap()), (vec!["a".to_owned()], b"old".to_vec()));
    }

    #[test]
    fn errors_do_not_name_the_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(&folder.path().join("nowhere/a"), |file| file.write_all(b"new")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        assert!(!error.to_string().contains(PREFIX), "{error}");
    }

    #[test]
    fn only_abandoned_temporary_files_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let old = |name: &str| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - 2 * GRACE).unwrap();
            file
        };
        old(".mist-writing-abandoned");
        let in_use = old(".mist-writing-in-use");
        in_use.try_lock().unwrap();
        old("result");
        File::create(folder.path().join(".mist-writing-young")).unwrap();
        sweep(folder.path());
        assert_eq!(names(folder.path()), [".mist-writing-in-use", ".mist-writing-young", "result"]);
        sweep(&folder.path().join("nowhere"));
    }
}
