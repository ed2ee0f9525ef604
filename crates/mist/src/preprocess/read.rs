//! Reading the images of a case, with the checks that hold for all of them.

use super::problem::Problem;
use mist_volume::{Geometry, Volume, nifti, same_grid};
use std::path::Path;

/// Origins of images on one grid, of a case or of a mask and its prediction, may differ by this much, in mm: converters pass them
/// through f32 and decimal text.
pub const ORIGIN_TOLERANCE_MM: f64 = 1e-3;

/// Grid of the 3-D image in `file`, from its header alone.
pub fn read_geometry(file: &Path) -> Result<Geometry, Problem> {
    const STAGE: &str = "reading the header of";
    let header = nifti::read_header(file).map_err(|error| Problem::with_file(STAGE, file, error.problem))?;
    if !header.is_3d() {
        let reason = format!("a 3D image is needed, but its size is {:?}", header.dimensions);
        return Err(Problem::with_file(STAGE, file, reason));
    }
    Ok(header.geometry())
}

/// The 3-D image in `file`; every voxel is finite.
pub fn read_image(file: &Path) -> Result<Volume<f32>, Problem> {
    const STAGE: &str = "reading";
    let volume = nifti::read(file).map_err(|error| Problem::with_file(STAGE, file, error.problem))?;
    if let Some(([x, y, z], value)) = volume.first_non_finite() {
        let reason = format!("voxel ({x}, {y}, {z}) is {value}, not a finite number");
        return Err(Problem::with_file(STAGE, file, reason));
    }
    Ok(volume)
}

/// Checks that the image in `file` lies on the voxels of the first image of its case, which is in `anchor_file`.
pub fn check_grid(anchor: &Geometry, anchor_file: &Path, geometry: &Geometry, file: &Path) -> Result<(), Problem> {
    same_grid(anchor, geometry, ORIGIN_TOLERANCE_MM).map_err(|mismatch| {
        let reason = format!("does not lie on the voxels of {}: {mismatch}", anchor_file.display());
        Problem::with_file("comparing the grid of", file, reason)
    })
}
