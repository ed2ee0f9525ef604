//! A norm that is not computed as a map of its own: whoever reads the map applies it on the way.

use super::{NormShape, Statistics};
use crate::Activation;
use crate::simd::Simd;

/// `act(gamma * (x - mean) * rstd + beta)`, with everything at hand that a reader of `x` needs to apply it.
#[derive(Clone, Debug)]
pub struct Pending<'a> {
    shape: NormShape,
    pub(crate) statistics: &'a Statistics,
    /// `gamma * rstd` per image and channel.
    scale: Vec<f32>,
    beta: &'a [f32],
    activation: Activation,
}

impl<'a> Pending<'a> {
    /// The norm of a map of `shape` with these `statistics`; `gamma` and `beta` are `[channels]`.
    pub fn new(
        shape: &NormShape,
        statistics: &'a Statistics,
        gamma: &[f32],
        beta: &'a [f32],
        activation: Activation,
    ) -> Self {
        let channels = shape.channels;
        assert_eq!([gamma.len(), beta.len()], [channels; 2], "parameters do not match their shape");
        statistics.check(shape);
        let scale = statistics.rstd.iter().enumerate().map(|(slot, rstd)| gamma[slot % channels] * rstd).collect();
        Self { shape: *shape, statistics, scale, beta, activation }
    }

    /// Sizes of the map.
    pub fn shape(&self) -> &NormShape {
        &self.shape
    }

    /// Factor of the activation's negative branch.
    pub(crate) fn slope(&self) -> f32 {
        self.activation.slope()
    }

    /// The constants of the lanes from `channel` of `image` on.
    ///
    /// # Safety
    /// `count` channels must exist from `channel` on.
    #[inline(always)]
    pub(crate) unsafe fn lanes<S: Simd>(&self, simd: S, image: usize, channel: usize, count: usize) -> Lanes<S> {
        let slot = image * self.shape.channels + channel;
        // SAFETY: the lists have a value for each channel, as was checked when the norm was made.
        unsafe {
            Lanes {
                mean: simd.load_first(self.statistics.mean.as_ptr().add(slot), count),
                scale: simd.load_first(self.scale.as_ptr().add(slot), count),
                shift: simd.load_first(self.beta.as_ptr().add(channel), count),
                slope: simd.splat(self.slope()),
            }
        }
    }
}

/// A norm and activation for the lanes of a vector of channels.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<S: Simd> {
    pub mean: S::V,
    pub scale: S::V,
    pub shift: S::V,
    pub slope: S::V,
}

impl<S: Simd> Lanes<S> {
    /// Neither norm nor activation.
    #[inline(always)]
    pub fn none(simd: S) -> Self {
        Self { mean: simd.zero(), scale: simd.splat(1.0), shift: simd.zero(), slope: simd.splat(1.0) }
    }

    /// The norm alone.
    #[inline(always)]
    pub fn normalised(&self, simd: S, x: S::V) -> S::V {
        simd.fma(simd.sub(x, self.mean), self.scale, self.shift)
    }

    /// The activation alone.
    #[inline(always)]
    pub fn activated(&self, simd: S, value: S::V) -> S::V {
        simd.max(simd.mul(value, self.slope), value)
    }
}
