//! What preprocessing takes from `config.json`.

use super::normalize::Normalization;
use crate::config::{Config, Modality};
use crate::error::{Error, Result};
use crate::memory::Allowance;

/// What a distance transform holds besides its result, counted in values of four bytes: distances and heights in double
/// precision, the map of one class, and masks.
const VALUES_OF_A_TRANSFORM: usize = 6;

/// How the images of a data set are prepared; the same for training and prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Arrays are the voxels of the files, untouched.
    pub skip: bool,
    /// Images are cropped to their foreground.
    pub crop: bool,
    /// Spacing of the arrays along x, y, z of the standard frame, in mm.
    pub target_spacing: [f64; 3],
    /// Label values; the position in the list is the class index.
    pub labels: Vec<i64>,
    /// Intensity normalization of each channel.
    pub normalization: Normalization,
    /// Distance maps of the labels, where asked for.
    pub distance_maps: Option<DistanceMaps>,
    /// What the cases in work may take together; resampling that asks for more is refused.
    pub memory: Allowance,
}

/// How distance maps are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DistanceMaps {
    /// Divided by the largest distance inside and outside.
    pub normalized: bool,
}

impl Settings {
    /// The settings of a configuration. Fails for CT without normalization parameters.
    pub fn of(config: &Config, memory: Allowance) -> Result<Self> {
        let preprocessing = &config.preprocessing;
        let ct = match config.dataset_info.modality {
            Modality::Ct => Some(preprocessing.ct_normalization.window().ok_or_else(|| {
                Error::new("the configuration of a CT data set lacks its normalization")
                    .place("preprocessing.ct_normalization")
                    .hint("run the analysis again")
            })?),
            Modality::Mr | Modality::Other => None,
        };
        Ok(Self {
            skip: preprocessing.skip,
            crop: preprocessing.crop_to_foreground,
            target_spacing: config.spatial_config.target_spacing,
            labels: config.dataset_info.labels.clone(),
            normalization: Normalization { ct, nonzero: preprocessing.normalize_with_nonzero_mask },
            distance_maps: preprocessing
                .compute_dtms
                .then_some(DistanceMaps { normalized: preprocessing.normalize_dtms }),
            memory,
        })
    }

    /// Values of four bytes that are in memory for every voxel of a training case with that many images.
    pub fn values_per_voxel(&self, images: usize) -> usize {
        images + self.distance_maps.map_or(0, |_| self.labels.len() + VALUES_OF_A_TRANSFORM)
    }

    /// Class index of a voxel of the mask; values that are no label count as the first class, the background.
    pub fn class_of(&self, value: f32) -> u8 {
        self.labels.iter().position(|&label| label as f32 == value).unwrap_or(0) as u8
    }
}
