//! Gaussian blur.

use super::lines::{LANES, Lines, Row};
use super::{Buffers, Transform};
use crate::load::patch::{Patch, range};
use mist_nn::random::Stream;

/// Convolves every channel with a Gaussian along x, y and z, then clamps to the range that the image had, over all
/// channels jointly.
///
/// Weights `exp(-k² / (2 sigma²))` for |k| ≤ floor(4 sigma + 1/2), normalised to sum 1; beyond the border the image is
/// mirrored with the edge voxel repeated. Probability 0.15; sigma uniform in [0.5, 1.5] voxels, the same for all axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blur {
    /// Standard deviation of the Gaussian, in voxels.
    pub sigma: f64,
}

impl Blur {
    const PROBABILITY: f64 = 0.15;
    const SIGMA: (f64, f64) = (0.5, 1.5);
    const TRUNCATE: f64 = 4.0;

    /// Coin, then sigma.
    pub fn draw(stream: &mut Stream) -> Option<Self> {
        (stream.uniform() < Self::PROBABILITY).then(|| Self { sigma: stream.uniform_in(Self::SIGMA.0, Self::SIGMA.1) })
    }

    /// Weights at distance 0, 1, …, radius; the kernel is symmetric.
    fn weights(&self) -> Vec<f32> {
        let radius = (Self::TRUNCATE * self.sigma + 0.5) as usize;
        let weight = |k: usize| (-0.5 * (k as f64 / self.sigma).powi(2)).exp();
        let sum = 1.0 + 2.0 * (1..=radius).map(weight).sum::<f64>();
        (0..=radius).map(|k| (weight(k) / sum) as f32).collect()
    }
}

impl Transform for Blur {
    fn apply(&self, patch: &mut Patch<'_>, buffers: &mut Buffers) {
        let (low, high) = range(patch.image);
        let weights = self.weights();
        for axis in 0..3 {
            blur_lines(patch.image, Lines::along(axis, patch.size, patch.channels), &weights, buffers);
        }
        for value in patch.image.iter_mut() {
            *value = value.clamp(low, high);
        }
    }
}

fn blur_lines(image: &mut [f32], lines: Lines, weights: &[f32], buffers: &mut Buffers) {
    let radius = weights.len() - 1;
    let length = lines.length;
    let (padded, blurred) = (&mut buffers.rows, &mut buffers.more_rows);
    padded.resize(length + 2 * radius, [0.0; LANES]);
    blurred.resize(length, [0.0; LANES]);
    for block in lines.blocks() {
        lines.gather(image, block, &mut padded[radius..radius + length]);
        for k in 1..=radius {
            padded[radius - k] = padded[radius + reflect(-(k as isize), length)];
            padded[radius + length - 1 + k] = padded[radius + reflect((length - 1 + k) as isize, length)];
        }
        for (i, out) in blurred.iter_mut().enumerate() {
            *out = weighted_sum(&padded[i..i + 2 * radius + 1], weights);
        }
        lines.scatter(blurred, block, image);
    }
}

/// The symmetric kernel applied about the middle row.
#[inline]
fn weighted_sum(rows: &[Row], weights: &[f32]) -> Row {
    let radius = weights.len() - 1;
    let mut sum = rows[radius].map(|value| value * weights[0]);
    for k in 1..=radius {
        let (before, after) = (&rows[radius - k], &rows[radius + k]);
        for lane in 0..LANES {
            sum[lane] += weights[k] * (before[lane] + after[lane]);
        }
    }
    sum
}

/// Index in 0..length of a position beyond the border: … 1 0 | 0 1 … n-1 | n-1 n-2 …
fn reflect(position: isize, length: usize) -> usize {
    let period = 2 * length as isize;
    let folded = position.rem_euclid(period);
    folded.min(period - 1 - folded) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_beyond_the_border_repeat_the_edge() {
        assert_eq!([-3, -2, -1, 0, 2, 3, 4, 7].map(|i| reflect(i, 3)), [2, 1, 0, 0, 2, 2, 1, 1]);
        assert_eq!([-2, 0, 5].map(|i| reflect(i, 1)), [0, 0, 0]);
    }

    #[test]
    fn weights_sum_to_one_and_reach_four_sigma() {
        for (sigma, radius) in [(0.5, 2), (0.8, 3), (1.5, 6)] {
            let weights = Blur { sigma }.weights();
            assert_eq!(weights.len(), radius + 1);
            let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
            assert!((sum - 1.0).abs() < 1e-6);
        }
    }
}
