//! Image files of a source: found, checked, and taken over without decoding where they can stay as they are.

use super::problem::Problem;
use crate::error::{Error, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use mist_volume::nifti::{self, Header};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Endings of image files, in the order in which they are looked for.
const ENDINGS: [&str; 2] = [".nii.gz", ".nii"];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How a file is taken over that needs no change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Its bytes are copied.
    #[default]
    Copy,
    /// It gets a second name and takes no further space.
    Hard,
}

/// The image of a case in a folder, compressed or not.
pub fn find(folder: &Path, id: &str) -> Option<PathBuf> {
    ENDINGS.iter().map(|ending| folder.join(format!("{id}{ending}"))).find(|path| path.is_file())
}

/// The name without the ending of an image file; only that is cut, dots may stand elsewhere in a name.
pub fn without_ending(name: &str) -> &str {
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// Reads the header of an image.
pub fn header(file: &Path) -> Result<Header, Problem> {
    nifti::read_header(file).map_err(|error| Problem::new("reading", file, error.problem))
}

/// Whether a mask has the size of its image.
pub fn check_mask(mask: &Path, image_size: [usize; 3]) -> Result<(), Problem> {
    let size = header(mask)?.dimensions;
    if size == image_size {
        return Ok(());
    }
    Err(Problem::new("reading", mask, format_args!("the mask has {size:?} voxels and its image {image_size:?}")))
}

/// Reads a file to its end. It is taken over and not decoded; without this, damage would show in training.
pub fn verify(file: &Path) -> Result<(), Problem> {
    nifti::verify(file).map_err(|error| Problem::new("reading", file, error.problem))
}

/// Takes an image over as a `.nii.gz` file: as it is when it is compressed, compressing it otherwise.
pub fn take_over(source: &Path, target: &Path, link: Link) -> Result<(), Problem> {
    let compressed = is_compressed(source).map_err(|error| Problem::new("reading", source, error))?;
    match link {
        Link::Hard if compressed => {
            hard_link(source, target).map_err(|error| Problem::new("linking", source, explain(&error)))
        }
        _ => copy(source, target, compressed).map_err(|error| Problem::new("copying", source, error)),
    }
}

/// Fails where hard links are asked for and one from a file into the folder cannot be made: better now than after the
/// files of a case have been read.
pub fn try_link(link: Link, file: Option<&Path>, folder: &Path) -> Result<()> {
    let (Link::Hard, Some(file)) = (link, file) else { return Ok(()) };
    let trial = || {
        let trial = tempfile::Builder::new().prefix(".linking-").tempdir_in(folder)?;
        hard_link(file, &trial.path().join("trial"))
    };
    trial().map_err(|error| {
        Error::new(format!("cannot make a hard link in {}", folder.display()))
            .at(file)
            .because(explain(&error))
            .hint("leave out --link hard to copy the files, or give an --output beside them")
    })
}

/// A second name for the file that `source` leads to, not for a link on the way there.
fn hard_link(source: &Path, target: &Path) -> io::Result<()> {
    std::fs::hard_link(source.canonicalize()?, target)
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::CrossesDevices => "the file lies on another file system, where a hard link cannot lead".into(),
        _ => error.to_string(),
    }
}

fn is_compressed(file: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(file)?.take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start == GZIP_MAGIC)
}

/// The time of modification and the permissions are kept.
fn copy(source: &Path, target: &Path, compressed: bool) -> io::Result<()> {
    let mut reader = File::open(source)?;
    let metadata = reader.metadata()?;
    let mut writer = File::create_new(target)?;
    if compressed {
        io::copy(&mut reader, &mut writer)?;
    } else {
        let mut encoder = GzEncoder::new(io::BufWriter::new(&mut writer), Compression::default());
        io::copy(&mut reader, &mut encoder)?;
        encoder.finish()?.flush()?;
    }
    writer.set_modified(metadata.modified()?)?;
    writer.sync_all()?;
    std::fs::set_permissions(target, metadata.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::testing::{image, is_one_file};

    #[cfg(unix)]
    #[test]
    fn a_hard_link_is_to_the_file_and_not_to_a_link_that_leads_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link, target) =
            (folder.path().join("a.nii.gz"), folder.path().join("link.nii.gz"), folder.path().join("deep/b.nii.gz"));
        image(&file, [4, 3, 2], 0);
        std::os::unix::fs::symlink("a.nii.gz", &link).expect("a link");
        std::fs::create_dir(folder.path().join("deep")).expect("a folder");
        assert!(take_over(&link, &target, Link::Hard).is_ok());
        assert!(!target.is_symlink() && is_one_file(&file, &target));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_hard_link_to_another_file_system_is_refused_and_nothing_stays() {
        use std::os::unix::fs::MetadataExt;
        let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir_in("/dev/shm"));
        let Some(there) = there.ok().filter(|there| {
            let device = |folder: &Path| std::fs::metadata(folder).map(|found| found.dev()).ok();
            device(there.path()) != device(here.path())
        }) else {
            println!("skipped: there is no second file system");
            return;
        };
        let file = here.path().join("a.nii.gz");
        image(&file, [4, 3, 2], 0);
        let error = try_link(Link::Hard, Some(&file), there.path()).expect_err("another file system");
        assert!(error.to_string().contains("the file lies on another file system"), "{error}");
        assert!(error.advice().is_some_and(|advice| advice.contains("--link hard")));
        let failure = take_over(&file, &there.path().join("b.nii.gz"), Link::Hard).err().map(|it| it.of_case("b"));
        assert!(failure.is_some_and(|failure| failure.stage == "linking" && failure.reason.contains("file system")));
        assert_eq!(std::fs::read_dir(there.path()).expect("a folder").count(), 0);
        try_link(Link::Copy, Some(&file), there.path()).expect("a copy is possible");
    }
}
