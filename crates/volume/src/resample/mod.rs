//! Resampling.
use crate::volume::Volume;

/// Round-half-even of size·spacing/target per axis, at least 1.
pub fn resampled_size(size: [usize; 3], spacing: [f64; 3], target: [f64; 3]) -> [usize; 3] {
    [0, 1, 2].map(|axis| ((size[axis] as f64 * spacing[axis] / target[axis]).round_ties_even() as usize).max(1))
}

/// Why label values cannot be class indices.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{count} labels; at most 255 are supported")]
pub struct TooManyLabels {
    /// Number of labels given.
    pub count: usize,
}

/// Resamples an image (direction identity) to `target` spacing, unless it has that spacing.
pub fn resample_image(_volume: &Volume<f32>, _target: [f64; 3]) -> Volume<f32> {
    unimplemented!()
}

/// Resamples a mask of label values to `target` spacing; the result holds indices into `labels`.
pub fn resample_labels(_volume: &Volume<f32>, _labels: &[i64], _target: [f64; 3]) -> Result<Volume<u8>, TooManyLabels> {
    unimplemented!()
}

/// Resamples a map of class indices to a spacing and size, keeping origin and direction (restore).
pub fn resample_class_indices(_volume: &Volume<u8>, _spacing: [f64; 3], _size: [usize; 3]) -> Volume<u8> {
    unimplemented!()
}

/// Resamples one channel of probabilities to a spacing and size, keeping origin and direction (restore).
pub fn resample_probabilities(_volume: &Volume<f32>, _spacing: [f64; 3], _size: [usize; 3]) -> Volume<f32> {
    unimplemented!()
}
