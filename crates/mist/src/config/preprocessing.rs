//! `preprocessing`: how scans become arrays.

use crate::error::Result;
use crate::json::{Field, Section};
use serde::Serialize;

/// `spatial_config`: the grid on which the network works. Axes x, y, z of the standard frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpatialConfig {
    /// Voxels of a patch along x, y, z.
    pub patch_size: [usize; 3],
    /// Voxel spacing in mm along x, y, z.
    pub target_spacing: [f64; 3],
}

impl SpatialConfig {
    pub(super) fn parse(section: &Section) -> Result<Self> {
        let millimetres = |field: &Field| field.number("a spacing in mm, above 0", |value| value > 0.0);
        let config = Self {
            patch_size: section.required("patch_size")?.triple(|field| field.count(1))?,
            target_spacing: section.required("target_spacing")?.triple(millimetres)?,
        };
        section.note_unknown();
        Ok(config)
    }
}

/// `preprocessing`: how images become arrays.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preprocessing {
    /// True: arrays are the raw voxel grids.
    pub skip: bool,
    /// Cut images to their foreground first.
    pub crop_to_foreground: bool,
    /// Median size over the cases after resampling, in voxels along x, y, z; informational.
    pub median_resampled_image_size: [usize; 3],
    /// Take statistics over non-zero voxels only, and leave the others 0.
    pub normalize_with_nonzero_mask: bool,
    /// Intensity window of CT; all null for other modalities.
    pub ct_normalization: CtNormalization,
    /// Write distance maps.
    pub compute_dtms: bool,
    /// Scale distance maps to [−1, 1].
    pub normalize_dtms: bool,
}

impl Preprocessing {
    pub(super) fn parse(section: &Section, is_ct: bool) -> Result<Self> {
        let flag = |key| section.required(key)?.boolean();
        let preprocessing = Self {
            skip: flag("skip")?,
            crop_to_foreground: flag("crop_to_foreground")?,
            median_resampled_image_size: section
                .required("median_resampled_image_size")?
                .triple(|field| field.count(0))?,
            normalize_with_nonzero_mask: flag("normalize_with_nonzero_mask")?,
            ct_normalization: CtNormalization::parse(&section.required("ct_normalization")?.section()?, is_ct)?,
            compute_dtms: flag("compute_dtms")?,
            normalize_dtms: flag("normalize_dtms")?,
        };
        section.note_unknown();
        Ok(preprocessing)
    }
}

/// `preprocessing.ct_normalization`, in Hounsfield units; present in full when the modality is `ct`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CtNormalization {
    /// Lower end of the window.
    pub window_min: Option<f64>,
    /// Upper end of the window.
    pub window_max: Option<f64>,
    /// Mean of the foreground.
    pub z_score_mean: Option<f64>,
    /// Standard deviation of the foreground.
    pub z_score_std: Option<f64>,
}

/// The four CT parameters, all present, in Hounsfield units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtWindow {
    /// Lower end of the window.
    pub window_min: f64,
    /// Upper end of the window.
    pub window_max: f64,
    /// Mean of the foreground.
    pub z_score_mean: f64,
    /// Standard deviation of the foreground.
    pub z_score_std: f64,
}

impl CtNormalization {
    fn parse(section: &Section, is_ct: bool) -> Result<Self> {
        let read = |key: &'static str, allowed: &str, fits: fn(f64) -> bool| -> Result<Option<f64>> {
            let field = section.required(key)?;
            if field.value().is_null() && !is_ct { Ok(None) } else { field.number(allowed, fits).map(Some) }
        };
        let any = "a number, because `dataset_info.modality` is \"ct\"";
        let normalization = Self {
            window_min: read("window_min", any, |_| true)?,
            window_max: read("window_max", any, |_| true)?,
            z_score_mean: read("z_score_mean", any, |_| true)?,
            z_score_std: read("z_score_std", "a number, 0 or more", |value| value >= 0.0)?,
        };
        if normalization.window_min.zip(normalization.window_max).is_some_and(|(low, high)| low > high) {
            return Err(section.required("window_max")?.refuse("no less than `window_min`"));
        }
        section.note_unknown();
        Ok(normalization)
    }

    /// All four, where all four are there; always so for a loaded config of modality `ct`.
    pub fn window(&self) -> Option<CtWindow> {
        Some(CtWindow {
            window_min: self.window_min?,
            window_max: self.window_max?,
            z_score_mean: self.z_score_mean?,
            z_score_std: self.z_score_std?,
        })
    }
}

impl From<CtWindow> for CtNormalization {
    fn from(window: CtWindow) -> Self {
        Self {
            window_min: Some(window.window_min),
            window_max: Some(window.window_max),
            z_score_mean: Some(window.z_score_mean),
            z_score_std: Some(window.z_score_std),
        }
    }
}
