//! One case: from the scans of a patient to the arrays that a network sees.

use super::budget;
use super::distance_maps::distance_maps;
use super::interleave::interleave;
use super::normalize::normalize;
use super::problem::Problem;
use super::read::{check_grid, read_image};
use super::settings::{DistanceMaps, Settings};
use crate::memory;
use mist_volume::crop::{BoundingBox, crop};
use mist_volume::orientation::to_standard;
use mist_volume::resample::{resample_image, resample_labels};
use mist_volume::{Geometry, Volume, all_close, foreground};
use std::path::{Path, PathBuf};

/// Arrays of one case. Axes 0, 1, 2 are x, y, z of the standard frame, or of the file when preprocessing is skipped.
#[derive(Clone, Debug, PartialEq)]
pub struct PreprocessedCase {
    /// Intensities in the order `[x][y][z][channel]`, channel fastest.
    pub image: Vec<f32>,
    /// Number of channels.
    pub channels: usize,
    /// Voxels along x, y, z.
    pub size: [usize; 3],
    /// Distance between voxels along x, y, z, in mm.
    pub spacing: [f64; 3],
    /// Class indices (positions in the list of labels) in the order `[x][y][z]`, where a mask was given.
    pub labels: Option<Vec<u8>>,
    /// Signed distance maps of the classes in the order `[x][y][z][class]`, where asked for and a mask was given.
    pub distance_maps: Option<Vec<f32>>,
    /// The box that was cut out, in the axes of the file; nothing when the images were not cropped.
    pub bounding_box: Option<BoundingBox>,
    /// Grid of the first channel as read.
    pub original_geometry: Geometry,
}

/// Reads the channels (and the mask) of a case, and crops, reorients, resamples and normalizes them as `settings` say.
///
/// All files must lie on the voxels of the first channel. Without a `bounding_box` the foreground of the first channel
/// is used where cropping is asked for. With `settings.skip` the images are only read, and label values mapped to
/// class indices. Holds one channel at a time besides the resulting array.
pub fn preprocess_case(
    settings: &Settings,
    channels: &[PathBuf],
    mask: Option<&Path>,
    bounding_box: Option<BoundingBox>,
) -> Result<PreprocessedCase, Problem> {
    let Some((first_file, more_files)) = channels.split_first() else {
        return Err(Problem::new("looking for images", "the case has no image"));
    };
    let first = read_image(first_file)?;
    let original_geometry = *first.geometry();
    let bounding_box = match settings.crop && !settings.skip {
        true => Some(bounding_box.unwrap_or_else(|| foreground::bounding_box(&first))),
        false => None,
    };

    let first = prepare_image(settings, first, bounding_box.as_ref(), first_file, channels.len())?;
    let mut case = PreprocessedCase {
        image: vec![0.0; first.voxels().len() * channels.len()],
        channels: channels.len(),
        size: first.size(),
        spacing: first.geometry().spacing,
        labels: None,
        distance_maps: None,
        bounding_box,
        original_geometry,
    };
    interleave(first.voxels(), case.size, &mut case.image, 0, channels.len());
    drop(first);
    for (channel, file) in more_files.iter().enumerate() {
        let image = read_image(file)?;
        check_grid(&original_geometry, first_file, image.geometry(), file)?;
        let image = prepare_image(settings, image, bounding_box.as_ref(), file, 0)?;
        check_size(case.size, image.size(), file)?;
        interleave(image.voxels(), case.size, &mut case.image, channel + 1, channels.len());
    }
    if let Some(file) = mask {
        let mask = read_image(file)?;
        check_grid(&original_geometry, first_file, mask.geometry(), file)?;
        let classes = prepare_mask(settings, mask, bounding_box.as_ref(), file)?;
        check_size(case.size, classes.size(), file)?;
        let mut labels = vec![0; classes.voxels().len()];
        interleave(classes.voxels(), case.size, &mut labels, 0, 1);
        if let Some(DistanceMaps { normalized }) = settings.distance_maps {
            let maps = distance_maps(&labels, case.size, settings.labels.len(), normalized);
            case.distance_maps = Some(maps.map_err(|error| Problem::with_file("measuring distances", file, error))?);
        }
        case.labels = Some(labels);
    }
    Ok(case)
}

/// `channels` are those that have to be held beside this one.
fn prepare_image(
    settings: &Settings,
    image: Volume<f32>,
    bounding_box: Option<&BoundingBox>,
    file: &Path,
    channels: usize,
) -> Result<Volume<f32>, Problem> {
    if settings.skip {
        return Ok(image);
    }
    let mut image = to_standard(&cropped(image, bounding_box, file)?);
    let refusal = budget::refusal(image.geometry(), settings.target_spacing, channels, memory::available());
    if let Some(refusal) = refusal {
        return Err(Problem::with_file("resampling", file, refusal));
    }
    if !all_close(&image.geometry().spacing, &settings.target_spacing) {
        image = resample_image(&image, settings.target_spacing);
    }
    normalize(image.voxels_mut(), &settings.normalization);
    Ok(image)
}

/// Class indices. The mask is resampled even at its own spacing: that is what turns label values into indices.
fn prepare_mask(
    settings: &Settings,
    mask: Volume<f32>,
    bounding_box: Option<&BoundingBox>,
    file: &Path,
) -> Result<Volume<u8>, Problem> {
    if settings.skip {
        return Ok(mask.map(|&value| settings.class_of(value)));
    }
    let mask = to_standard(&cropped(mask, bounding_box, file)?);
    resample_labels(&mask, &settings.labels, settings.target_spacing)
        .map_err(|error| Problem::with_file("resampling", file, error))
}

fn cropped(image: Volume<f32>, bounding_box: Option<&BoundingBox>, file: &Path) -> Result<Volume<f32>, Problem> {
    match bounding_box {
        None => Ok(image),
        Some(bounding_box) => crop(&image, bounding_box).map_err(|error| Problem::with_file("cropping", file, error)),
    }
}

fn check_size(expected: [usize; 3], found: [usize; 3], file: &Path) -> Result<(), Problem> {
    if expected == found {
        return Ok(());
    }
    let reason = format!("it became {found:?} voxels, the first image {expected:?}");
    Err(Problem::with_file("resampling", file, reason))
}
