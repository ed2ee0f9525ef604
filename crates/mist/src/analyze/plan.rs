//! Everything that is decided from the facts about the cases.

use super::ct::CtSamples;
use super::patch_size;
use super::resampled::{
    absurd_cases, crop_to_foreground, large_case_note, median_size, normalize_with_nonzero_mask, resampled_sizes,
};
use super::scan::CaseFacts;
use super::spacing::{odd_ones, target_spacing};
use crate::config::{CtNormalization, CtWindow, DatasetInfo, Modality, Preprocessing, SpatialConfig};
use mist_volume::orientation::standard_axes;

/// The parts of `config.json` that depend on the images.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Patch size and spacing.
    pub spatial_config: SpatialConfig,
    /// How images become arrays.
    pub preprocessing: Preprocessing,
    /// Cases that a person should look at, as they need a lot of memory or have an odd spacing: position, and what to say.
    pub notes: Vec<(usize, String)>,
    /// CT samples that the histogram of the window cannot hold.
    pub outside_ct_range: u64,
}

/// Decides on spacing, cropping, normalization and patch size for a non-empty data set. A patch may have about `budget` voxels.
///
/// The result does not depend on the order of the cases, except for the last bits of the CT statistics.
pub fn plan(info: &DatasetInfo, facts: &[CaseFacts], budget: f64) -> Plan {
    let spacings = spacings(facts);
    let target_spacing = target_spacing(&spacings);
    let crop = crop_to_foreground(facts);
    let sizes = resampled_sizes(facts, crop, target_spacing);
    let median_size = median_size(&sizes);
    let note = |(index, &size)| Some((index, large_case_note(size, info.images.len(), info.labels.len())?));
    let (window, outside_ct_range) = ct_window(info.modality, facts);
    Plan {
        spatial_config: SpatialConfig {
            patch_size: patch_size::select(median_size, target_spacing, budget),
            target_spacing,
        },
        preprocessing: Preprocessing {
            skip: false,
            crop_to_foreground: crop,
            median_resampled_image_size: median_size.map(|size| size as usize),
            normalize_with_nonzero_mask: normalize_with_nonzero_mask(facts),
            ct_normalization: window.map(CtNormalization::from).unwrap_or_default(),
            compute_dtms: false,
            normalize_dtms: true,
        },
        notes: odd_ones(&spacings).into_iter().chain(sizes.iter().enumerate().filter_map(note)).collect(),
        outside_ct_range,
    }
}

/// Cases that must be left out before anything is decided: position, and why.
pub fn absurd(facts: &[CaseFacts]) -> Vec<(usize, String)> {
    absurd_cases(facts, crop_to_foreground(facts), target_spacing(&spacings(facts)))
}

/// Cases whose voxels differ much from those of the others: position, and what to say.
pub fn odd_spacings<'a>(facts: impl IntoIterator<Item = &'a CaseFacts>) -> Vec<(usize, String)> {
    odd_ones(&spacings(facts))
}

/// Spacing of each case in the standard frame.
fn spacings<'a>(facts: impl IntoIterator<Item = &'a CaseFacts>) -> Vec<[f64; 3]> {
    facts.into_iter().map(|case| standard_axes(&case.geometry.direction).to_standard(case.geometry.spacing)).collect()
}

fn ct_window(modality: Modality, facts: &[CaseFacts]) -> (Option<CtWindow>, u64) {
    if modality != Modality::Ct {
        return (None, 0);
    }
    let mut pooled = CtSamples::default();
    for samples in facts.iter().filter_map(|case| case.ct.as_ref()) {
        pooled.merge(samples);
    }
    (Some(pooled.window()), pooled.outside())
}
