//! Label maps as files: a folder of `<id>.nii.gz`, each with whole numbers from 0 to 255.

use crate::error::{Error, Result};
use crate::preprocess::problem::Problem;
use mist_volume::Volume;
use mist_volume::nifti::{self, NiftiProblem};
use std::path::{Path, PathBuf};

/// Ending of the files.
pub const ENDING: &str = ".nii.gz";

/// A file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFile {
    /// Name without the ending.
    pub id: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// The files directly in a folder that end in `.nii.gz`, sorted by id; hidden ones are passed over. Then the names of what
/// ends so and is no file: folders, links that lead nowhere.
pub fn list(folder: &Path) -> Result<(Vec<LabelFile>, Vec<String>)> {
    let failed = |error| Error::new("cannot list the folder").at(folder).because(error);
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let Some(id) = name.strip_suffix(ENDING).filter(|id| !id.is_empty() && !id.starts_with('.')) else { continue };
        if path.is_file() {
            files.push(LabelFile { id: id.to_owned(), path: path.clone() });
        } else {
            others.push(name.to_owned());
        }
    }
    files.sort_by(|one, other| one.id.cmp(&other.id));
    others.sort();
    Ok((files, others))
}

/// Reads a label map.
///
/// # Errors
/// A file that cannot be read, or a value that is no whole number from 0 to 255, with its place.
pub fn read(file: &Path) -> Result<Volume<u8>, Problem> {
    const STAGE: &str = "reading";
    nifti::read_integers(file).map_err(|error| match error.problem {
        NiftiProblem::NotInteger { index: [x, y, z], value, .. } => {
            let reason = format!("voxel ({x}, {y}, {z}) is {value}; labels are whole numbers from 0 to 255");
            Problem::with_file(STAGE, file, reason)
        }
        problem => Problem::with_file(STAGE, file, problem),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_volume::Geometry;

    #[test]
    fn only_labels_pass() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.nii.gz");
        let map = |values: Vec<f32>| {
            nifti::write(&file, &Volume::new(Geometry::axis_aligned([2, 2, 1], [1.0; 3]), values).unwrap()).unwrap();
            read(&file)
        };
        assert_eq!(map(vec![0.0, 255.0, 3.0, 1.0]).unwrap().voxels(), [0, 255, 3, 1]);
        for wrong in [256.0, -1.0, 0.5] {
            let text = map(vec![0.0, 0.0, 0.0, wrong]).unwrap_err().to_string();
            assert!(text.contains(&format!("voxel (1, 1, 0) is {wrong}")), "{text}");
        }
    }

    #[test]
    fn folders_are_listed_without_what_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.nii.gz", "a.nii.gz", "._a.nii.gz", "c.nii", ".nii.gz"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("d.nii.gz")).unwrap();
        let (files, others) = list(folder.path()).unwrap();
        assert_eq!(files.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(others, ["d.nii.gz"]);
        assert!(list(&folder.path().join("nowhere")).is_err());
    }
}
