//! What one pass over the files of a case tells.

use super::ct::CtSamples;
use super::verify::MaskValues;
use crate::preprocess::problem::Problem;
use crate::preprocess::read::{check_grid, read_image};
use mist_volume::crop::BoundingBox;
use mist_volume::{Geometry, foreground};
use std::path::{Path, PathBuf};

/// Axes that lean more than this from the world's axes are reported: the tilt is discarded, not resampled.
const OBLIQUE_DEGREES: f64 = 5.0;

/// What to look at.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions<'a> {
    /// Label values that masks may hold.
    pub labels: &'a [i64],
    /// Collect intensities under the mask.
    pub ct: bool,
    /// Read every image, and refuse masks with other values than labels.
    pub verify: bool,
}

/// Facts about a usable case.
#[derive(Clone, Debug)]
pub struct CaseFacts {
    /// Grid of the mask, as in its file.
    pub geometry: Geometry,
    /// Foreground of the first image, in the axes of its file.
    pub foreground: BoundingBox,
    /// Voxels of the first image that are not 0, as a fraction of all.
    pub nonzero_fraction: f64,
    /// Intensities of the first image under the mask, where asked for.
    pub ct: Option<CtSamples>,
    /// What a person should know, though the case is usable.
    pub notes: Vec<String>,
}

/// Reads the mask and the first image of a case once, and the other images too when `verify` is set.
pub fn scan(options: &ScanOptions<'_>, images: &[PathBuf], mask_file: &Path) -> Result<CaseFacts, Problem> {
    let Some((first_file, other_files)) = images.split_first() else {
        return Err(Problem::new("looking for images", "the case has no image"));
    };
    let mask = read_image(mask_file)?;
    let first = read_image(first_file)?;
    check_grid(first.geometry(), first_file, mask.geometry(), mask_file)?;

    let mut notes = Vec::new();
    let values = MaskValues::of(mask.voxels(), options.labels);
    if let Some(complaint) = values.complaint(options.labels) {
        if options.verify {
            return Err(Problem::with_file("checking the labels of", mask_file, complaint));
        }
        notes.push(format!("{complaint}; they become background (--verify leaves such cases out)"));
    }
    if !values.has_foreground {
        notes.push("the mask holds no label but background".to_string());
    }
    let tilt = mask.geometry().obliquity();
    if tilt > OBLIQUE_DEGREES {
        notes.push(format!("the image is tilted by {tilt:.0} degrees; preprocessing ignores the tilt"));
    }
    if options.verify {
        for file in other_files {
            read_image(file)?;
        }
    }
    let nonzero = first.voxels().iter().filter(|&&value| value != 0.0).count();
    Ok(CaseFacts {
        geometry: *mask.geometry(),
        foreground: foreground::bounding_box(&first),
        nonzero_fraction: nonzero as f64 / first.voxels().len() as f64,
        ct: options.ct.then(|| CtSamples::of_foreground(first.voxels(), mask.voxels(), first.size())),
        notes,
    })
}
