//! Cases of the Medical Segmentation Decathlon; 4D images become one file per channel.

use super::source::{Source, TEST_IMAGES, TRAINING_IMAGES, TRAINING_MASKS};
use crate::convert::Link;
use crate::convert::description::{MASK_FILE, channel_file};
use crate::convert::image_file;
use crate::convert::problem::Problem;
use crate::convert::split::{Case, Cases, Split};
use mist_volume::nifti::{self, Datatype, Header};
use std::path::{Path, PathBuf};

/// A case of a Decathlon data set.
pub struct MsdCase<'a> {
    source: &'a Source,
    id: &'a str,
    split: Split,
    link: Link,
}

/// The cases of a split.
pub fn cases(source: &Source, split: Split, link: Link) -> Cases<MsdCase<'_>> {
    let ids = match split {
        Split::Training => &source.training,
        Split::Test => &source.test,
    };
    Cases { ready: ids.iter().map(|id| MsdCase { source, id, split, link }).collect(), left_out: Vec::new() }
}

/// The files of a case, found and their headers checked.
pub struct CaseFiles {
    image: PathBuf,
    header: Header,
    mask: Option<PathBuf>,
}

impl Case for MsdCase<'_> {
    type Checked = CaseFiles;

    fn id(&self) -> &str {
        self.id
    }

    fn files(&self) -> Vec<PathBuf> {
        let folders = [self.mask_folder(), Some(self.image_folder())];
        folders.into_iter().flatten().filter_map(|folder| image_file::find(&folder, self.id)).collect()
    }

    fn check(&self) -> Result<CaseFiles, Problem> {
        let image = self.find(&self.image_folder())?;
        let mask = self.mask_folder().map(|folder| self.find(&folder)).transpose()?;
        let header = image_file::header(&image)?;
        check_volumes(self.source, &header).map_err(|reason| Problem::new("reading", &image, reason))?;
        if let Some(mask) = &mask {
            image_file::check_mask(mask, header.geometry().size)?;
        }
        // Images of several channels are read when they are taken apart.
        let taken_over = (self.source.channels.len() == 1).then_some(&image);
        for file in taken_over.into_iter().chain(&mask) {
            image_file::verify(file)?;
        }
        Ok(CaseFiles { image, header, mask })
    }

    fn write(&self, files: &CaseFiles, folder: &Path) -> Result<(), Problem> {
        let take_over = |from: &Path, name: &str| image_file::take_over(from, &folder.join(name), self.link);
        match &self.source.channels[..] {
            [only] => take_over(&files.image, &channel_file(&only.name))?,
            _ => split_channels(self.source, files, folder)?,
        }
        match &files.mask {
            Some(mask) => take_over(mask, MASK_FILE),
            None => Ok(()),
        }
    }
}

impl MsdCase<'_> {
    fn image_folder(&self) -> PathBuf {
        self.source.folder.join(match self.split {
            Split::Training => TRAINING_IMAGES,
            Split::Test => TEST_IMAGES,
        })
    }

    fn mask_folder(&self) -> Option<PathBuf> {
        match self.split {
            Split::Training => Some(self.source.folder.join(TRAINING_MASKS)),
            Split::Test => None,
        }
    }

    fn find(&self, folder: &Path) -> Result<PathBuf, Problem> {
        let id = self.id;
        image_file::find(folder, id).ok_or_else(|| {
            Problem::new("looking for its file in", folder, format_args!("there is no {id}.nii.gz and no {id}.nii"))
        })
    }
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
        // To leave the last volumes out must be said, as to leave the first ones out is.
        [_, _, _, volumes] if volumes > needed => {
            Err(format!("the image has {volumes} volumes, and the description lists none after channel {}", needed - 1))
        }
        [_, _, _, _] => Ok(()),
        _ => Err(format!("the image has the dimensions {:?} instead of three or four", header.dimensions)),
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
