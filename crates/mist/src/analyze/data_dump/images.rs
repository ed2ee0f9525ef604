//! `image_statistics`: spacing, size, intensities.

use super::as_object;
use super::case::CaseDump;
use super::spread::{IntensitySpread, Spread, rounded};
use crate::analyze::patch_size::ANISOTROPY_LIMIT;
use crate::analyze::scan::CaseFacts;
use crate::analyze::statistics::median;
use serde::Serialize;

/// `image_statistics`.
#[derive(Debug, Serialize)]
pub struct ImageStatistics {
    pub spacing: SpacingStatistics,
    pub dimensions: Dimensions,
    pub intensity: Intensity,
}

/// Spacing of the masks along the axes of their files, in mm.
#[derive(Debug, Serialize)]
pub struct SpacingStatistics {
    pub per_axis: PerAxis,
    pub median_spacing_mm: [f64; 3],
    pub anisotropy_ratio: f64,
    pub is_anisotropic: bool,
}

/// Statistics for each axis of the files.
#[derive(Debug, Serialize)]
pub struct PerAxis {
    pub axis_0: Spread,
    pub axis_1: Spread,
    pub axis_2: Spread,
}

impl PerAxis {
    /// With their numbers.
    pub fn axes(&self) -> [(usize, &Spread); 3] {
        [(0, &self.axis_0), (1, &self.axis_1), (2, &self.axis_2)]
    }
}

/// Sizes in voxels.
#[derive(Debug, Serialize)]
pub struct Dimensions {
    pub original: OriginalSize,
    pub resampled_median: [usize; 3],
}

/// Sizes as in the files.
#[derive(Debug, Serialize)]
pub struct OriginalSize {
    pub per_axis: PerAxis,
}

/// Intensities under the masks, and how much of the images that is.
#[derive(Debug, Serialize)]
pub struct Intensity {
    #[serde(serialize_with = "as_object")]
    pub per_channel: Vec<(String, IntensitySpread)>,
    pub foreground_fraction: Spread,
}

/// Statistics of all cases. `channels` are names in channel order, `effective` voxels of each case after cropping.
pub fn image_statistics(
    facts: &[CaseFacts],
    dumps: &[&CaseDump],
    channels: &[String],
    effective: &[f64],
    resampled_median: [usize; 3],
) -> ImageStatistics {
    let spacings = |axis: usize| facts.iter().map(|case| case.geometry.spacing[axis]).collect::<Vec<_>>();
    let sizes = |axis: usize| facts.iter().map(|case| case.geometry.size[axis] as f64).collect::<Vec<_>>();
    let median_spacing_mm = [0, 1, 2].map(|axis| median(&spacings(axis)));
    let ratio = anisotropy(median_spacing_mm);
    let fractions: Vec<f64> =
        dumps.iter().zip(effective).map(|(case, effective)| case.foreground as f64 / effective).collect();
    let per_channel = channels
        .iter()
        .enumerate()
        .filter_map(|(channel, name)| Some((name.clone(), IntensitySpread::of(&mut pooled(dumps, channel))?)))
        .collect();
    ImageStatistics {
        spacing: SpacingStatistics {
            per_axis: per_axis(spacings),
            median_spacing_mm,
            anisotropy_ratio: rounded(ratio, 4),
            is_anisotropic: ratio > ANISOTROPY_LIMIT,
        },
        dimensions: Dimensions { original: OriginalSize { per_axis: per_axis(sizes) }, resampled_median },
        intensity: Intensity { per_channel, foreground_fraction: Spread::of(&fractions) },
    }
}

fn per_axis(values: impl Fn(usize) -> Vec<f64>) -> PerAxis {
    let [axis_0, axis_1, axis_2] = [0, 1, 2].map(|axis| Spread::of(&values(axis)));
    PerAxis { axis_0, axis_1, axis_2 }
}

fn anisotropy(spacing: [f64; 3]) -> f64 {
    const SMALLEST_MM: f64 = 1e-8;
    let largest = spacing.into_iter().fold(f64::MIN, f64::max);
    largest / spacing.into_iter().fold(f64::MAX, f64::min).max(SMALLEST_MM)
}

fn pooled(dumps: &[&CaseDump], channel: usize) -> Vec<f32> {
    dumps.iter().filter_map(|case| case.intensities.get(channel)).flatten().copied().collect()
}
