//! Contrast.

use super::{Buffers, Transform};
use crate::load::patch::{Patch, range};
use mist_nn::random::Stream;

/// Multiplies the image and clamps it to the range it had, over all channels jointly: `out = clamp(scale * in, min, max)`.
/// The multiplication is about zero, which is the mean of a standardised image.
///
/// Probability 0.15; scale uniform in [0.65, 1.5].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// Factor.
    pub scale: f64,
}

impl Contrast {
    const PROBABILITY: f64 = 0.15;
    const SCALE: (f64, f64) = (0.65, 1.5);

    /// Coin, then the scale.
    pub fn draw(stream: &mut Stream) -> Option<Self> {
        (stream.uniform() < Self::PROBABILITY).then(|| Self { scale: stream.uniform_in(Self::SCALE.0, Self::SCALE.1) })
    }
}

impl Transform for Contrast {
    fn apply(&self, patch: &mut Patch<'_>, _: &mut Buffers) {
        let (low, high) = range(patch.image);
        let scale = self.scale as f32;
        for value in patch.image.iter_mut() {
            *value = (*value * scale).clamp(low, high);
        }
    }
}
