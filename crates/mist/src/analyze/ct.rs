//! Intensity statistics of CT foreground: the window and the mean and spread for normalization.

use super::sampling::every_nth_of_foreground;
use super::statistics::{mean, pairwise_sum};
use crate::config::CtWindow;

/// Width of the histogram in HU: one bin per unit from −1024 to 3072, the last bin closed.
const LOWEST: f64 = -1024.0;
const HIGHEST: f64 = 3072.0;
const BINS: usize = 4096;

/// Every tenth foreground voxel is looked at, starting with the first.
const STRIDE: usize = 10;

/// Running statistics of foreground samples. Those of several cases are merged in the order of the cases, so that
/// the result does not depend on which thread finished first.
#[derive(Clone, Debug)]
pub struct CtSamples {
    count: u64,
    mean: f64,
    squares: f64,
    histogram: Vec<u64>,
    outside: u64,
}

impl Default for CtSamples {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, squares: 0.0, histogram: vec![0; BINS], outside: 0 }
    }
}

impl CtSamples {
    /// Samples `image` (HU) where `mask` is not 0. Both are x-fastest volumes of `size` voxels.
    ///
    /// The samples are every tenth foreground voxel with z running fastest and x slowest, as the published
    /// parameters of data sets were made.
    pub fn of_foreground(image: &[f32], mask: &[f32], size: [usize; 3]) -> Self {
        let chosen = every_nth_of_foreground(mask, size, |_| STRIDE);
        let values: Vec<f64> = chosen.into_iter().map(|index| f64::from(image[index])).collect();
        let mut samples = Self::default();
        samples.take(&values);
        samples
    }

    fn take(&mut self, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        self.count = values.len() as u64;
        self.mean = mean(values);
        let squares: Vec<f64> = values.iter().map(|value| (value - self.mean).powi(2)).collect();
        self.squares = pairwise_sum(&squares);
        for &value in values {
            if (LOWEST..=HIGHEST).contains(&value) {
                let bin = ((value - LOWEST) as usize).min(BINS - 1);
                self.histogram[bin] += 1;
            } else {
                self.outside += 1;
            }
        }
    }

    /// Adds the samples of another case (Chan, Golub & LeVeque 1979).
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let total = self.count + other.count;
        let (own, new) = (self.count as f64, other.count as f64);
        let step = other.mean - self.mean;
        self.mean = (own * self.mean + new * other.mean) / total as f64;
        self.squares += other.squares + step * step * own * new / total as f64;
        self.count = total;
        self.outside += other.outside;
        for (bin, more) in self.histogram.iter_mut().zip(&other.histogram) {
            *bin += more;
        }
    }

    /// Whether there is nothing to tell a window from.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many samples lie outside −1024…3072 HU; they count for mean and spread, but not for the window.
    pub fn outside(&self) -> u64 {
        self.outside
    }

    /// Window and z-score parameters; all 0 without any sample.
    pub fn window(&self) -> CtWindow {
        CtWindow {
            window_min: self.histogram_percentile(0.5),
            window_max: self.histogram_percentile(99.5),
            z_score_mean: self.mean,
            z_score_std: if self.count == 0 { 0.0 } else { (self.squares / self.count as f64).sqrt() },
        }
    }

    /// Left edge of the first bin up to which `percent` of the samples inside the histogram lie.
    fn histogram_percentile(&self, percent: f64) -> f64 {
        let total: u64 = self.histogram.iter().sum();
        if total == 0 {
            return 0.0;
        }
        let wanted = percent / 100.0 * total as f64;
        let mut below = 0;
        let bin = self.histogram.iter().position(|&count| {
            below += count;
            below as f64 >= wanted
        });
        LOWEST + bin.unwrap_or(BINS - 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_values(values: &[f64]) -> CtSamples {
        let mut samples = CtSamples::default();
        samples.take(values);
        samples
    }

    #[test]
    fn samples_every_tenth_foreground_voxel_with_z_fastest() {
        // 2 × 2 × 5 voxels, all foreground: the eleventh in z-fastest order is the first with x = 1.
        let image: Vec<f32> = (0..20).map(|index| index as f32).collect();
        let samples = CtSamples::of_foreground(&image, &[1.0; 20], [2, 2, 5]);
        assert_eq!((samples.count, samples.mean), (2, 0.5));
    }

    #[test]
    fn background_is_not_counted() {
        let samples = CtSamples::of_foreground(&[7.0, -500.0], &[2.0, 0.0], [2, 1, 1]);
        assert_eq!((samples.count, samples.mean), (1, 7.0));
    }

    #[test]
    fn merging_equals_pooling() {
        let (a, b) = ([10.0, 20.0, 35.5], [-7.25, 80.0]);
        let mut merged = of_values(&a);
        merged.merge(&of_values(&[]));
        merged.merge(&of_values(&b));
        let pooled = of_values(&[&a[..], &b[..]].concat());
        assert!((merged.window().z_score_mean - pooled.window().z_score_mean).abs() < 1e-12);
        assert!((merged.window().z_score_std - pooled.window().z_score_std).abs() < 1e-12);
        assert_eq!(merged.histogram, pooled.histogram);
    }

    #[test]
    fn window_is_the_left_edge_of_a_bin() {
        let window = of_values(&[-20.3, 0.0, 50.9]).window();
        assert_eq!((window.window_min, window.window_max), (-21.0, 50.0));
    }

    #[test]
    fn values_outside_the_histogram_count_for_the_mean_only() {
        let samples = of_values(&[-2000.0, 3072.0, 0.0]);
        assert_eq!(samples.outside(), 1);
        assert_eq!(samples.window().window_max, 3071.0);
        assert!((samples.window().z_score_mean - 1072.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn no_foreground_anywhere_gives_zeros() {
        let nothing = CtWindow { window_min: 0.0, window_max: 0.0, z_score_mean: 0.0, z_score_std: 0.0 };
        assert_eq!(CtSamples::default().window(), nothing);
    }
}
