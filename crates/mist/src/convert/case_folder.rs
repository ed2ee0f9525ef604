use std::io;
use std::path::Path;

/// Makes the folder `<split>/<id>` from what `fill` writes into it: the folder appears with all its files or not at all.
/// One of that name is replaced.
pub fn create_complete<E: From<io::Error>>(
    split: &Path,
    id: &str,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    // Hidden, so that no stage takes what an interrupted conversion leaves behind for a case.
    let staging = tempfile::Builder::new().prefix(".converting-").tempdir_in(split)?;
    let staged = staging.path().join(id);
    std::fs::create_dir(&staged)?;
    fill(&staged)?;
    let target = split.join(id);
    if target.exists() {
        std::fs::remove_dir_all(&target)?;
    }
    std::fs::rename(&staged, &target)?;
    Ok(())
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
}
