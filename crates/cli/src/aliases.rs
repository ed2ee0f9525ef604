//! Links under the command names of MIST 2.3.0 that lead to this program.

use mist::{Error, Result};
use std::path::{Path, PathBuf};

/// What is at the place of a link before it is made.
enum Place {
    Free,
    Ours,
    Taken,
}

/// Makes one symbolic link per name in `folder`, all leading to `program`. Nothing is made if any of the places is
/// taken by something else; links of an earlier call are left as they are. Returns the links.
pub(crate) fn install(folder: &Path, names: &[String], program: &Path) -> Result<Vec<PathBuf>> {
    let program = program.canonicalize().map_err(|error| {
        Error::new("cannot find the program that the links should lead to").at(program).because(error)
    })?;
    mist::files::create_folder(folder)?;
    let links: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    if let Some(taken) = links.iter().find(|link| matches!(place(link, &program), Place::Taken)) {
        return Err(Error::new("cannot install the aliases")
            .at(taken)
            .because("another file with that name is there; it was left alone, and nothing was installed")
            .hint("choose another folder, or remove that file yourself"));
    }
    for link in links.iter().filter(|link| matches!(place(link, &program), Place::Free)) {
        symlink(&program, link).map_err(|error| Error::new("cannot make the link").at(link).because(error))?;
    }
    Ok(links)
}

fn place(link: &Path, program: &Path) -> Place {
    match std::fs::symlink_metadata(link) {
        Err(_) => Place::Free,
        Ok(found) if found.is_symlink() && link.canonicalize().is_ok_and(|target| target == program) => Place::Ours,
        Ok(_) => Place::Taken,
    }
}

#[cfg(unix)]
fn symlink(program: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(program, link)
}

#[cfg(windows)]
fn symlink(program: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_file(program, link)
}
