//! Folders of cases that appear with all their files or not at all.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Beginning of the names of folders that cases are made in. Hidden, so that no stage takes what an interrupted conversion
/// leaves behind for a case.
const STAGING: &str = ".converting-";
/// In a staging folder: the case that is being replaced.
const PREVIOUS: &str = "previous";
/// In a staging folder: locked while it is in use, where the file system knows locks.
const LOCK: &str = "lock";

/// Makes the folder `<split>/<id>` from what `fill` writes into it: the folder appears with all its files or not at all.
/// One of that name is replaced; see [`recover`] for a conversion that is killed at that moment.
pub fn create_complete<E: From<io::Error>>(
    split: &Path,
    id: &str,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(split)?;
    let lock = File::create(staging.path().join(LOCK))?;
    let _ = lock.try_lock();
    let (new, previous) = (staging.path().join("new"), staging.path().join(PREVIOUS));
    for folder in [&new, &previous] {
        std::fs::create_dir(folder)?;
    }
    let staged = new.join(id);
    std::fs::create_dir(&staged)?;
    fill(&staged)?;
    let (target, kept) = (split.join(id), previous.join(id));
    if !target.exists() {
        std::fs::rename(&staged, &target)?;
        return Ok(());
    }
    std::fs::rename(&target, &kept)?;
    if let Err(error) = std::fs::rename(&staged, &target) {
        std::fs::rename(&kept, &target)?;
        return Err(error.into());
    }
    Ok(())
}

/// Clears away what killed conversions left in the folder of a split. A case that was just being replaced is put back.
pub fn recover(split: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(split)? {
        let staging = entry?;
        if !staging.file_name().to_string_lossy().starts_with(STAGING) || is_in_use(&staging.path()) {
            continue;
        }
        if let Ok(cases) = std::fs::read_dir(staging.path().join(PREVIOUS)) {
            for case in cases {
                let case = case?;
                let target = split.join(case.file_name());
                if !target.exists() {
                    std::fs::rename(case.path(), target)?;
                }
            }
        }
        std::fs::remove_dir_all(staging.path())?;
    }
    Ok(())
}

/// Whether another conversion works there now.
fn is_in_use(staging: &Path) -> bool {
    File::open(staging.join(LOCK)).is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_leaves_nothing_and_keeps_what_was_there() {
        let split = tempfile::tempdir().expect("a folder");
        let fill = |name: &'static str, fails: bool| {
            move |folder: &Path| -> io::Result<()> {
                std::fs::write(folder.join(name), b"x")?;
                if fails { Err(io::Error::other("broken")) } else { Ok(()) }
            }
        };
        create_complete(split.path(), "a", fill("old", false)).expect("made");
        create_complete(split.path(), "a", fill("new", true)).expect_err("broken");
        create_complete(split.path(), "b", fill("new", true)).expect_err("broken");
        assert_eq!((names(split.path()), names(&split.path().join("a"))), (vec!["a".into()], vec!["old".into()]));
        create_complete(split.path(), "a", fill("new", false)).expect("replaced");
        assert_eq!((names(split.path()), names(&split.path().join("a"))), (vec!["a".into()], vec!["new".into()]));
    }

    #[test]
    fn a_conversion_killed_while_it_replaced_a_case_loses_nothing() {
        let split = tempfile::tempdir().expect("a folder");
        let write = |name: &str| {
            let path = split.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, b"x").expect("a file");
        };
        // Killed between the two renames, and after them; nothing else leaves a `previous` that is not empty.
        write(".converting-1/previous/a/old");
        write(".converting-1/new/a/new");
        write(".converting-2/previous/b/old");
        write("b/new");
        write(".converting-3/new/c/half");
        write("d/other");
        recover(split.path()).expect("recovered");
        assert_eq!(names(split.path()), ["a", "b", "d"], "nothing of the killed ones is left");
        assert_eq!(names(&split.path().join("a")), ["old"]);
        assert_eq!(names(&split.path().join("b")), ["new"]);
    }

    #[test]
    fn a_conversion_that_is_at_work_is_left_alone() {
        let split = tempfile::tempdir().expect("a folder");
        let result: io::Result<()> = create_complete(split.path(), "a", |folder| {
            std::fs::write(folder.join("scan"), b"x")?;
            recover(split.path())
        });
        result.expect("made");
        assert_eq!(names(&split.path().join("a")), ["scan"]);
    }
}
