//! Brightness.

use super::{Buffers, Transform};
use crate::load::patch::Patch;
use mist_nn::random::Stream;

/// Multiplies the image: `out = scale * in`, without clamping.
///
/// Probability 0.15; scale uniform in [0.7, 1.3].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brightness {
    /// Factor.
    pub scale: f64,
}

impl Brightness {
    const PROBABILITY: f64 = 0.15;
    const SCALE: (f64, f64) = (0.7, 1.3);

    /// Coin, then the scale.
    pub fn draw(stream: &mut Stream) -> Option<Self> {
        (stream.uniform() < Self::PROBABILITY).then(|| Self { scale: stream.uniform_in(Self::SCALE.0, Self::SCALE.1) })
    }
}

impl Transform for Brightness {
    fn apply(&self, patch: &mut Patch<'_>, _: &mut Buffers) {
        let scale = self.scale as f32;
        for value in patch.image.iter_mut() {
            *value *= scale;
        }
    }
}
