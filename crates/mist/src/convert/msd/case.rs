use super::source::{Source, TEST_IMAGES, TRAINING_IMAGES, TRAINING_MASKS};
use crate::convert::description::{MASK_FILE, channel_file};
use crate::convert::image_file;
use crate::error::CaseFailure;
use mist_volume::nifti::{self, Datatype, Header};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Cases with masks.
    Training,
    /// Cases without.
    Test,
}

/// The files of a case, found and their headers checked.
pub struct CaseFiles {
    image: PathBuf,
    header: Header,
    mask: Option<PathBuf>,
}

/// Why a case cannot be converted.
pub struct Problem {
    stage: &'static str,
    file: Option<PathBuf>,
    reason: String,
}

impl Problem {
    fn new(stage: &'static str, file: &Path, reason: impl Display) -> Self {
        Self { stage, file: Some(file.to_owned()), reason: reason.to_string() }
    }

    /// The failure of the case `id`.
    pub fn of_case(self, id: &str) -> CaseFailure {
        CaseFailure { id: id.to_owned(), stage: self.stage.to_owned(), file: self.file, reason: self.reason }
    }
}

/// From making, filling or renaming the folder of a case.
impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self { stage: "writing", file: None, reason: error.to_string() }
    }
}

/// Finds the files of a case and looks at their headers, so that broken scans are known now and not in training.
pub fn check(source: &Source, split: Split, id: &str) -> Result<CaseFiles, Problem> {
    let find = |folder: &str| {
        let folder = source.folder.join(folder);
        image_file::find(&folder, id).ok_or_else(|| {
            Problem::new("looking for its file in", &folder, format_args!("there is no {id}.nii.gz and no {id}.nii"))
        })
    };
    let (image, mask) = match split {
        Split::Training => (find(TRAINING_IMAGES)?, Some(find(TRAINING_MASKS)?)),
        Split::Test => (find(TEST_IMAGES)?, None),
    };
    let read_header =
        |file: &Path| nifti::read_header(file).map_err(|error| Problem::new("reading", file, error.problem));
    let header = read_header(&image)?;
    check_volumes(source, &header).map_err(|reason| Problem::new("reading", &image, reason))?;
    if let Some(mask) = &mask {
        let mask_header = read_header(mask)?;
        let size = header.geometry().size;
        if mask_header.dimensions != size {
            let reason = format!("the mask has {:?} voxels and its image {size:?}", mask_header.dimensions);
            return Err(Problem::new("reading", mask, reason));
        }
    }
    // Images of several channels are read when they are taken apart; the other files are only copied.
    let copied = (source.channels.len() == 1).then_some(&image);
    for file in copied.into_iter().chain(&mask) {
        nifti::verify(file).map_err(|error| Problem::new("reading", file, error.problem))?;
    }
    Ok(CaseFiles { image, header, mask })
}

/// Whether the image has the channels that the description lists.
fn check_volumes(source: &Source, header: &Header) -> Result<(), String> {
    let listed = source.channels.len();
    let needed = source.channels.iter().map(|channel| channel.position + 1).max().unwrap_or(1);
    match header.dimensions[..] {
        [_, _, _] if listed == 1 => Ok(()),
        [_, _, _] => Err(format!("the image is 3D, and the description lists {listed} channels")),
        [_, _, _, volumes] if listed == 1 => {
            Err(format!("the image has {volumes} volumes, and the description lists one channel"))
        }
        [_, _, _, volumes] if volumes < needed => {
            Err(format!("the image has {volumes} volumes, and the description lists channel {}", needed - 1))
        }
        [_, _, _, _] => Ok(()),
        _ => Err(format!("the image has the dimensions {:?} instead of three or four", header.dimensions)),
    }
}

/// Writes the files of a case into its folder.
pub fn write(source: &Source, files: &CaseFiles, target: &Path) -> Result<(), Problem> {
    let copy = |from: &Path, name: &str| {
        image_file::copy(from, &target.join(name)).map_err(|error| Problem::new("copying", from, error))
    };
    match &source.channels[..] {
        [only] => copy(&files.image, &channel_file(&only.name))?,
        _ => split_channels(source, files, target)?,
    }
    match &files.mask {
        Some(mask) => copy(mask, MASK_FILE),
        None => Ok(()),
    }
}

/// Writes each listed volume of a 4D image as a file of its own, in the type of the source, or as f32 where the header
/// scales the stored values.
fn split_channels(source: &Source, files: &CaseFiles, target: &Path) -> Result<(), Problem> {
    let volumes =
        nifti::read_series(&files.image).map_err(|error| Problem::new("reading", &files.image, error.problem))?;
    let datatype = if files.header.scaling.is_some() { Datatype::F32 } else { files.header.datatype };
    for channel in &source.channels {
        let path = target.join(channel_file(&channel.name));
        let volume = volumes.get(channel.position).ok_or_else(|| {
            Problem::new("reading", &files.image, format_args!("there is no volume {}", channel.position))
        })?;
        nifti::write_as(&path, volume, datatype).map_err(|error| Problem::new("writing", &path, error.problem))?;
    }
    Ok(())
}
