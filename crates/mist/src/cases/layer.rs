//! Volumes as the page gets them: uncompressed NIfTI, scans as stored or nearly so, masks as positions of labels.

use super::labels::Labels;
use mist_volume::nifti::{self, NiftiError, NiftiProblem, Voxel};
use mist_volume::{GridMismatch, Volume};
use std::path::{Path, PathBuf};

/// Why a volume cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unshown {
    /// It is not there any longer.
    #[error("{0} is gone")]
    Gone(PathBuf),
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] NiftiError),
    /// It is too large for the format.
    #[error("cannot be shown: {0}")]
    Unwritable(#[from] NiftiProblem),
    /// Truth and prediction cannot be compared.
    #[error("truth and prediction do not lie on the same grid: {0}")]
    Grids(#[from] GridMismatch),
    /// The errors cannot be counted.
    #[error("the errors cannot be told apart: {0}")]
    Errors(#[from] mist_volume::components::ComponentsError),
}

/// Reads a file, which must be one: a pipe would keep the reader waiting.
pub(crate) fn read(path: &Path) -> Result<Volume<f32>, Unshown> {
    if !path.is_file() {
        return Err(Unshown::Gone(path.to_owned()));
    }
    Ok(nifti::read(path)?)
}

/// A mask as positions of its labels.
pub(crate) fn mask(path: &Path, labels: &Labels) -> Result<Volume<u8>, Unshown> {
    let (mut last, mut position) = (0.0, labels.position(0.0));
    Ok(read(path)?.map(|&value| {
        if value != last {
            (last, position) = (value, labels.position(value));
        }
        position
    }))
}

/// A scan as a file: in two bytes per voxel where that changes nothing, else in four.
pub(crate) fn scan(path: &Path) -> Result<Vec<u8>, Unshown> {
    let volume = read(path)?;
    let short = |value: &f32| f32::from(*value as i16) == *value;
    if volume.voxels().iter().all(short) { bytes(&volume.map(|value| *value as i16)) } else { bytes(&volume) }
}

/// A volume as a file.
pub(crate) fn bytes<T: Voxel>(volume: &Volume<T>) -> Result<Vec<u8>, Unshown> {
    Ok(nifti::to_bytes(volume)?)
}
