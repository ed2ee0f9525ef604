//! Gamma correction.

use super::elementary::{exponential, logarithm};
use super::{Buffers, Transform};
use crate::load::patch::{Patch, range};
use mist_nn::random::Stream;

/// Bends the intensities of each channel, `((in - min) / (max - min))^exponent`, then gives the channel the mean and the
/// standard deviation back that it had. Inverted, it does so with `-in`, and bends the bright end instead of the dark one.
///
/// As intensities are scaled to [0, 1] first, their signs do not matter. Each channel has its own exponent, in [0.7, 1] or
/// in [1, 1.5] with equal chance, uniform there; probability 0.3, inverted 0.1, both independently: ranges and chances of
/// nnU-Net (Isensee et al., Nature Methods 18, 2021).
#[derive(Clone, Debug, PartialEq)]
pub struct Gamma {
    /// Exponent of each channel.
    pub exponents: Vec<f64>,
    /// Work on the negative of the image.
    pub inverted: bool,
}

impl Gamma {
    const PROBABILITY: f64 = 0.3;
    const PROBABILITY_INVERTED: f64 = 0.1;
    const BRIGHTER: (f64, f64) = (0.7, 1.0);
    const DARKER: (f64, f64) = (1.0, 1.5);

    /// Coin, then for each channel a coin and the exponent.
    pub fn draw(inverted: bool, channels: usize, stream: &mut Stream) -> Option<Self> {
        let probability = if inverted { Self::PROBABILITY_INVERTED } else { Self::PROBABILITY };
        if stream.uniform() >= probability {
            return None;
        }
        let exponent = |_| {
            let (low, high) = if stream.uniform() < 0.5 { Self::BRIGHTER } else { Self::DARKER };
            stream.uniform_in(low, high)
        };
        Some(Self { exponents: (0..channels).map(exponent).collect(), inverted })
    }
}

impl Transform for Gamma {
    fn apply(&self, patch: &mut Patch<'_>, buffers: &mut Buffers) {
        let sign = if self.inverted { -1.0 } else { 1.0 };
        for (channel, exponent) in self.exponents.iter().enumerate() {
            let values = &mut buffers.image;
            values.clear();
            values.extend(patch.image.iter().skip(channel).step_by(patch.channels).map(|value| sign * value));
            bend(values, *exponent as f32);
            let targets = patch.image.iter_mut().skip(channel).step_by(patch.channels);
            for (target, value) in targets.zip(values) {
                *target = sign * *value;
            }
        }
    }
}

fn bend(values: &mut [f32], exponent: f32) {
    let (low, high) = range(values);
    let (mean, deviation) = moments(values);
    let scale = 1.0 / (high - low);
    if !(scale.is_finite() && scale > 0.0) {
        return; // constant, or a span beyond what a number holds
    }
    for value in values.iter_mut() {
        let part = (*value - low) * scale;
        // The logarithm takes normal numbers up to 1.
        *value = exponential(exponent * logarithm(part.clamp(f32::MIN_POSITIVE, 1.0)));
    }
    let (bent_mean, bent_deviation) = moments(values);
    let factor = deviation / bent_deviation;
    let factor = if factor.is_finite() { factor } else { 0.0 };
    for value in values.iter_mut() {
        *value = ((f64::from(*value) - bent_mean) * factor + mean) as f32;
    }
}

/// Mean and standard deviation.
fn moments(values: &[f32]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::patch::testing::Owned;
    use mist_nn::random::{Place, Purpose};
    use proptest::prelude::*;

    fn bent(image: &[f32], exponents: &[f64], inverted: bool) -> Vec<f32> {
        let channels = exponents.len();
        let mut owned = Owned { image: image.to_vec(), ..Owned::new([1, 1, image.len() / channels], channels) };
        Gamma { exponents: exponents.to_vec(), inverted }.apply(&mut owned.view(), &mut Buffers::default());
        owned.image
    }

    proptest! {
        #[test]
        fn order_mean_and_deviation_are_kept(
            image in proptest::collection::vec(-4.0..4.0f32, 8..40), exponent in 0.7..1.5f64, inverted: bool,
        ) {
            let found = bent(&image, &[exponent], inverted);
            let (before, after) = (moments(&image), moments(&found));
            prop_assert!((before.0 - after.0).abs() < 1e-5 && (before.1 - after.1).abs() < 1e-5);
            for i in 1..image.len() {
                let rises = image[i] > image[i - 1] + 1e-3;
                prop_assert!(!rises || found[i] > found[i - 1], "{:?} {:?}", image, found);
            }
        }

        #[test]
        fn exponent_one_changes_nothing_and_inversion_mirrors(
            image in proptest::collection::vec(-4.0..4.0f32, 8..40), exponent in 0.7..1.5f64,
        ) {
            for (found, value) in bent(&image, &[1.0], false).into_iter().zip(&image) {
                prop_assert!((found - value).abs() < 1e-5);
            }
            let negative: Vec<f32> = image.iter().map(|value| -value).collect();
            let mirrored: Vec<f32> = bent(&negative, &[exponent], true).iter().map(|value| -value).collect();
            prop_assert_eq!(mirrored, bent(&image, &[exponent], false));
        }
    }

    #[test]
    fn channels_have_their_own_exponents() {
        let image: Vec<f32> = (0..20).map(|i| (i / 2) as f32 - 5.0).collect();
        let found = bent(&image, &[0.7, 1.5], false);
        let channel = |i: usize| -> Vec<f32> { found.iter().skip(i).step_by(2).copied().collect() };
        let single: Vec<f32> = (0..10).map(|i| i as f32 - 5.0).collect();
        assert_eq!(channel(0), bent(&single, &[0.7], false));
        assert_eq!(channel(1), bent(&single, &[1.5], false));
        // Below 1 the dark end is stretched, above 1 the bright one.
        assert!(found[2] - found[0] > found[18] - found[16]);
        assert!(found[3] - found[1] < found[19] - found[17]);
    }

    #[test]
    fn a_constant_channel_stays_and_single_values_remain_finite() {
        assert_eq!(bent(&[3.0; 8], &[1.3], false), [3.0; 8]);
        for image in [[-f32::MAX, f32::MAX], [0.0, 1e-40], [0.0, f32::MIN_POSITIVE]] {
            assert!(bent(&image, &[0.7], true).iter().all(|value| value.is_finite()), "{image:?}");
        }
    }

    #[test]
    fn exponents_are_drawn_on_both_sides_of_one() {
        let drawn: Vec<f64> = (0..4000)
            .filter_map(|sample| {
                let place = Place { sample, ..Place::default() };
                Gamma::draw(false, 1, &mut Stream::new(1, Purpose::Augmentation, place))
            })
            .flat_map(|gamma| gamma.exponents)
            .collect();
        assert!(drawn.iter().all(|exponent| (0.7..1.5).contains(exponent)));
        let below = drawn.iter().filter(|exponent| **exponent < 1.0).count() as f64 / drawn.len() as f64;
        assert!((below - 0.5).abs() < 0.05, "{below}");
    }
}
