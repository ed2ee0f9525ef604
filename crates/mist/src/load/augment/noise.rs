//! Gaussian noise.

use super::{Buffers, Transform, normal};
use crate::load::patch::{Patch, range};
use mist_nn::random::{Place, Purpose, Stream};

/// Adds N(0, sigma) independently to every voxel and channel, then clamps to the range that the image had, over all
/// channels jointly: `out = clamp(in + sigma * n, min, max)`.
///
/// Probability 0.15; sigma uniform in [0, 0.33] (images are standardised, so this is in standard deviations).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Standard deviation of the noise, in units of the image.
    pub sigma: f64,
    /// Key of the noise itself, so that applying is a pure function.
    pub key: u64,
}

impl Noise {
    const PROBABILITY: f64 = 0.15;
    const SIGMA: (f64, f64) = (0.0, 0.33);

    /// Coin, then sigma, then the key.
    pub fn draw(stream: &mut Stream) -> Option<Self> {
        (stream.uniform() < Self::PROBABILITY)
            .then(|| Self { sigma: stream.uniform_in(Self::SIGMA.0, Self::SIGMA.1), key: stream.next_u64() })
    }
}

impl Transform for Noise {
    fn apply(&self, patch: &mut Patch<'_>, _: &mut Buffers) {
        let (low, high) = range(patch.image);
        let mut stream = Stream::new(self.key, Purpose::Augmentation, Place::default());
        let sigma = self.sigma as f32;
        let mut normals = [0.0; 1024];
        for values in patch.image.chunks_mut(normals.len()) {
            normal::fill(&mut stream, &mut normals[..values.len()]);
            for (value, normal) in values.iter_mut().zip(&normals) {
                *value = (*value + sigma * normal).clamp(low, high);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::patch::testing::Owned;

    #[test]
    fn noise_has_the_given_deviation_and_keeps_the_range() {
        let mut owned = Owned::new([20, 20, 20], 2);
        owned.image[0] = -4.0;
        owned.image[1] = 4.0;
        let apply = |owned: &mut Owned, key| {
            Noise { sigma: 0.2, key }.apply(&mut owned.view(), &mut Buffers::default());
        };
        let mut noisy = owned.clone();
        apply(&mut noisy, 1);
        let inner = &noisy.image[2..];
        let variance = inner.iter().map(|v| f64::from(v * v)).sum::<f64>() / inner.len() as f64;
        assert!((variance.sqrt() - 0.2).abs() < 5e-3, "{variance}");
        assert!(noisy.image.iter().all(|v| (-4.0..=4.0).contains(v)));

        let (mut again, mut other) = (owned.clone(), owned);
        apply(&mut again, 1);
        apply(&mut other, 2);
        assert_eq!(again.image, noisy.image);
        assert_ne!(other.image, noisy.image);
    }

    #[test]
    fn a_constant_image_stays_constant() {
        let mut owned = Owned::new([4, 4, 4], 1);
        Noise { sigma: 0.3, key: 5 }.apply(&mut owned.view(), &mut Buffers::default());
        assert!(owned.image.iter().all(|v| *v == 0.0));
    }
}
