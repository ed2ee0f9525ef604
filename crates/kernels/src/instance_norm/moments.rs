//! Mean and variance, put together from parts of an image.

use super::{NormShape, Statistics};

/// Mean and biased variance of every image and channel, `[batch, channels]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    pub(crate) mean: Vec<f64>,
    pub(crate) variance: Vec<f64>,
}

/// Of some voxels of an image, for each channel: a number near the values, and the sums of their differences from it and
/// of the squares of these. No digits are lost to a mean that is large against the deviation.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a, T> {
    /// Voxels.
    pub count: usize,
    pub shift: &'a [f32],
    pub sum: &'a [T],
    pub squares: &'a [T],
}

impl Moments {
    /// Puts the parts of each image together, in their order.
    pub(crate) fn new<'a, T: Copy + Into<f64> + 'a, P: Iterator<Item = Part<'a, T>> + Clone>(
        shape: &NormShape,
        parts: impl Fn(usize) -> P,
    ) -> Self {
        let (voxels, channels) = (shape.voxels as f64, shape.channels);
        let (mut mean, mut variance) = (Vec::new(), Vec::new());
        for image in 0..shape.batch {
            let parts = parts(image);
            let mut means = vec![0.0f64; channels];
            for Part { count, shift, sum, .. } in parts.clone() {
                for channel in 0..channels {
                    means[channel] += count as f64 * f64::from(shift[channel]) + sum[channel].into();
                }
            }
            means.iter_mut().for_each(|total| *total /= voxels);
            let mut variances = vec![0.0f64; channels];
            for Part { count, shift, sum, squares } in parts {
                for channel in 0..channels {
                    let offset = f64::from(shift[channel]) - means[channel];
                    let doubled = 2.0 * sum[channel].into() + count as f64 * offset;
                    variances[channel] += squares[channel].into() + offset * doubled;
                }
            }
            mean.append(&mut means);
            variance.extend(variances.into_iter().map(|squares| (squares / voxels).max(0.0)));
        }
        Self { mean, variance }
    }

    /// What a norm that adds `eps` to the variance needs.
    pub fn statistics(&self, eps: f32) -> Statistics {
        Statistics {
            mean: self.mean.iter().map(|&mean| mean as f32).collect(),
            rstd: self.variance.iter().map(|variance| (1.0 / (variance + f64::from(eps)).sqrt()) as f32).collect(),
        }
    }
}
