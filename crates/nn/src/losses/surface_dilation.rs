//! The surface term of the two losses with a tolerance: Dice of boundaries that were dilated by it.

use super::{Classes, LossSettings, Segmentation, SettingsError, morphology::Grid};
use mist_ops::{Tensor, sum_voxels};

/// Keeps the quotient finite where no boundary is.
const EPS: f32 = 1e-6;
/// `auto`: the tolerance is this many times the coarsest spacing.
const SAFETY_FACTOR: f64 = 1.25;
/// Smallest step in mm that voxels are counted by.
const SMALLEST_SPACING: f64 = 1e-12;
/// Voxels; farther than any grid reaches.
const FARTHEST: f64 = 1e6;

/// `1 − mean 2 Σ D(p)·D(t) / (Σ D(p) + Σ D(t) + ε)` over samples and foreground classes, where `D` dilates the soft boundary
/// `a − min₃ₓ₃ₓ₃(a)` by a tolerance.
pub struct SurfaceDilation {
    window: [usize; 3],
}

impl SurfaceDilation {
    /// Reads `tau_mm`, the tolerance in millimetres.
    pub fn new(settings: &LossSettings) -> Result<Self, SettingsError> {
        let tolerance = settings.positive_or_auto("tau_mm")?;
        Ok(Self { window: window(settings.spacing, tolerance) })
    }

    /// Parameters that it knows.
    pub const PARAMETERS: &'static [&'static str] = &["tau_mm"];

    /// The term for one head.
    pub fn value(&self, head: &Segmentation) -> Tensor<1> {
        let (truth, probabilities) = head.preprocess(Classes::Foreground);
        let size = head.target.size();
        // A window that reaches beyond both ends from every voxel does what a longer one would.
        let window = [0, 1, 2].map(|axis| self.window[axis].min(2 * size[axis] + 1));
        let dilated = |values: Tensor<3>| Grid::new(values, size).boundary().dilate(window).into_values();
        let of_truth = head.target.derived(format!("boundary dilated by {window:?}"), || dilated(truth));
        let of_prediction = dilated(probabilities);
        let both = sum_voxels(of_prediction.clone() * of_truth.clone()) * 2.0;
        let each = sum_voxels(of_prediction) + sum_voxels(of_truth) + EPS;
        -(both / each).mean() + 1.0
    }
}

/// Voxels per axis that a tolerance in mm reaches to both sides, with the middle one.
fn window(spacing: [f64; 3], tolerance: Option<f64>) -> [usize; 3] {
    let coarsest = spacing.into_iter().fold(0.0, f64::max);
    let tolerance = tolerance.unwrap_or(coarsest * SAFETY_FACTOR);
    spacing.map(|step| 2 * (tolerance / step.max(SMALLEST_SPACING)).ceil().min(FARTHEST) as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn the_tolerance_is_in_millimetres_on_every_axis() {
        assert_eq!(window([1.0, 1.0, 1.0], None), [5, 5, 5]);
        assert_eq!(window([0.8, 1.5, 3.0], None), [11, 7, 5]);
        assert_eq!(window([1.0, 1.0, 2.0], Some(1.0)), [3, 3, 3]);
        assert_eq!(window([1.0, 1.0, 1.0], Some(1e300)), [2_000_001; 3]);
    }
}
