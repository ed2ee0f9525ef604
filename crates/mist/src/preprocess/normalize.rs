//! Intensity normalization of one channel.

use crate::config::CtWindow;
use mist_volume::percentile::volume_percentiles_f32;

/// Percentiles to which intensities without a physical unit are clipped.
const LOWER_PERCENT: f64 = 0.5;
const UPPER_PERCENT: f64 = 99.5;

/// How the intensities of a channel are brought to a common scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalization {
    /// Window and z-score parameters of the data set, for CT; otherwise they come from the image itself.
    pub ct: Option<CtWindow>,
    /// Only voxels other than 0 count, and voxels at 0 stay 0.
    pub nonzero: bool,
}

/// `(clip(v, lower, upper) − mean) / std`, with everything 0 where the spread is 0.
///
/// Mean and population standard deviation are those of the unclipped values. Sums run in f64, results are f32.
pub fn normalize(voxels: &mut [f32], normalization: &Normalization) {
    let scale = match normalization.ct {
        Some(ct) => Scale {
            lower: ct.window_min as f32,
            upper: ct.window_max as f32,
            mean: ct.z_score_mean as f32,
            std: ct.z_score_std as f32,
        },
        None if normalization.nonzero => {
            Scale::of(voxels, |value| value != 0.0).or_else(|| Scale::of(voxels, |_| true)).unwrap_or_default()
        }
        None => Scale::of(voxels, |_| true).unwrap_or_default(),
    };
    for value in voxels {
        if normalization.nonzero && *value == 0.0 {
            continue;
        }
        *value = scale.apply(*value);
    }
}

#[derive(Default)]
struct Scale {
    lower: f32,
    upper: f32,
    mean: f32,
    std: f32,
}

impl Scale {
    /// Of the values that count; `None` if there are none.
    fn of(values: &[f32], counts: impl Fn(f32) -> bool + Sync) -> Option<Self> {
        let [lower, upper] = volume_percentiles_f32(values, &counts, [LOWER_PERCENT, UPPER_PERCENT])?;
        let counted = || values.iter().filter(|&&value| counts(value)).map(|&value| f64::from(value));
        let count = counted().count() as f64;
        let mean = counted().sum::<f64>() / count;
        let variance = counted().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        Some(Self { lower, upper, mean: mean as f32, std: variance.sqrt() as f32 })
    }

    fn apply(&self, value: f32) -> f32 {
        if self.std == 0.0 { 0.0 } else { (value.max(self.lower).min(self.upper) - self.mean) / self.std }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Normalization = Normalization { ct: None, nonzero: false };
    const NONZERO: Normalization = Normalization { ct: None, nonzero: true };

    fn normalized(values: &[f32], normalization: &Normalization) -> Vec<f32> {
        let mut values = values.to_vec();
        normalize(&mut values, normalization);
        values
    }

    #[test]
    fn outliers_are_clipped_after_mean_and_spread_are_taken() {
        let values: Vec<f32> = (0..1001).map(|value| value as f32).collect();
        let result = normalized(&values, &WHOLE);
        let std = (1001.0f64.powi(2) - 1.0).sqrt() / 12f64.sqrt();
        assert!((f64::from(result[0]) - (5.0 - 500.0) / std).abs() < 1e-6);
        assert!((f64::from(result[1000]) - (995.0 - 500.0) / std).abs() < 1e-6);
        assert!(result[500].abs() < 1e-6);
    }

    #[test]
    fn a_constant_image_becomes_zero() {
        assert_eq!(normalized(&[3.0; 8], &WHOLE), [0.0; 8]);
        assert_eq!(normalized(&[3.0, 0.0, 3.0], &NONZERO), [0.0; 3]);
    }

    #[test]
    fn zeros_do_not_count_and_stay_in_nonzero_mode() {
        let result = normalized(&[0.0, 1.0, 3.0, 0.0], &NONZERO);
        assert_eq!((result[0], result[3]), (0.0, 0.0));
        assert!((result[1] + 0.99).abs() < 1e-6 && (result[2] - 0.99).abs() < 1e-6, "{result:?}");
    }

    #[test]
    fn an_all_zero_image_stays_zero_in_nonzero_mode() {
        assert_eq!(normalized(&[0.0; 4], &NONZERO), [0.0; 4]);
    }

    #[test]
    fn ct_uses_the_window_of_the_data_set() {
        let ct = CtWindow { window_min: -50.0, window_max: 150.0, z_score_mean: 50.0, z_score_std: 25.0 };
        let normalization = Normalization { ct: Some(ct), nonzero: false };
        assert_eq!(normalized(&[-1000.0, 0.0, 75.0, 2000.0], &normalization), [-4.0, -2.0, 1.0, 4.0]);
        let nonzero = Normalization { ct: Some(ct), nonzero: true };
        assert_eq!(normalized(&[0.0, 75.0], &nonzero), [0.0, 1.0]);
    }
}
