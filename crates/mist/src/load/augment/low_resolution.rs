//! Simulation of low resolution.

use super::lines::Lines;
use super::spline::{enlarge_lines, position};
use super::{Buffers, Transform};
use crate::load::patch::{Patch, range};
use mist_nn::random::Stream;

/// Thins out the voxels of some channels and enlarges what is left, as if they had been taken with larger voxels.
///
/// A channel is reduced to `max(1, round(scale * n))` voxels per axis, corner-aligned and by nearest neighbour, then enlarged
/// by cubic B-splines as [`super::zoom::Zoom`] does, and clamped to the range that it had. Probability 0.25, and 0.5 for each
/// channel then; scale uniform in [0.5, 1], per channel: chances and range of nnU-Net (Isensee et al., Nature Methods 18,
/// 2021).
#[derive(Clone, Debug, PartialEq)]
pub struct LowResolution {
    /// Size relative to the patch, at most 1, of each channel that is changed.
    pub scales: Vec<Option<f64>>,
}

impl LowResolution {
    const PROBABILITY: f64 = 0.25;
    const PROBABILITY_PER_CHANNEL: f64 = 0.5;
    const SCALE: (f64, f64) = (0.5, 1.0);

    /// Coin, then for each channel a coin and the scale.
    pub fn draw(channels: usize, stream: &mut Stream) -> Option<Self> {
        if stream.uniform() >= Self::PROBABILITY {
            return None;
        }
        let scale = |_| {
            (stream.uniform() < Self::PROBABILITY_PER_CHANNEL).then(|| stream.uniform_in(Self::SCALE.0, Self::SCALE.1))
        };
        let scales: Vec<Option<f64>> = (0..channels).map(scale).collect();
        scales.iter().any(Option::is_some).then_some(Self { scales })
    }
}

impl Transform for LowResolution {
    fn apply(&self, patch: &mut Patch<'_>, buffers: &mut Buffers) {
        for (channel, scale) in self.scales.iter().enumerate() {
            let Some(scale) = scale else { continue };
            let reduced = patch.size.map(|extent| ((scale * extent as f64).round() as usize).clamp(1, extent));
            if reduced != patch.size {
                reduce(patch, channel, reduced, &mut buffers.image);
                let (low, high) = range(&buffers.image);
                enlarge(reduced, patch.size, buffers);
                let values = patch.image.iter_mut().skip(channel).step_by(patch.channels);
                for (value, enlarged) in values.zip(&buffers.image) {
                    *value = enlarged.clamp(low, high);
                }
            }
        }
    }
}

/// Takes the nearest voxels of one channel.
fn reduce(patch: &Patch<'_>, channel: usize, reduced: [usize; 3], image: &mut Vec<f32>) {
    let size = patch.size;
    let [along_x, along_y, along_z] = [0, 1, 2].map(|axis| -> Vec<usize> {
        let nearest = |i| (position(i, size[axis], reduced[axis]) + 0.5).floor() as usize;
        (0..reduced[axis]).map(nearest).collect()
    });
    image.clear();
    for x in along_x {
        for y in &along_y {
            let row = (x * size[1] + y) * size[2];
            image.extend(along_z.iter().map(|z| patch.image[(row + z) * patch.channels + channel]));
        }
    }
}

/// Enlarges the one channel in `buffers.image`.
fn enlarge(mut current: [usize; 3], size: [usize; 3], buffers: &mut Buffers) {
    for axis in [2, 1, 0] {
        let lines = Lines::along(axis, current, 1);
        current[axis] = size[axis];
        buffers.more_image.resize(current.iter().product(), 0.0);
        let rows = [&mut buffers.rows, &mut buffers.more_rows];
        enlarge_lines(&buffers.image, lines, size[axis], &mut buffers.more_image, rows);
        std::mem::swap(&mut buffers.image, &mut buffers.more_image);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::patch::testing::Owned;
    use proptest::prelude::*;

    fn lowered(owned: &Owned, scales: &[Option<f64>]) -> Owned {
        let mut lowered = owned.clone();
        LowResolution { scales: scales.to_vec() }.apply(&mut lowered.view(), &mut Buffers::default());
        lowered
    }

    fn any_patch() -> impl Strategy<Value = Owned> {
        [1usize..9, 1usize..9, 1usize..9].prop_flat_map(|size| {
            let voxels = size.iter().product::<usize>();
            proptest::collection::vec(-4.0..4.0f32, 2 * voxels)
                .prop_map(move |image| Owned { image, ..Owned::new(size, 2) })
        })
    }

    proptest! {
        #[test]
        fn only_the_chosen_channels_change_and_their_range_holds(owned in any_patch(), scale in 0.5..1.0f64) {
            let found = lowered(&owned, &[Some(scale), None]);
            let (low, high) = owned.image.iter().step_by(2).fold((f32::MAX, f32::MIN), |(low, high), value| {
                (low.min(*value), high.max(*value))
            });
            for (after, before) in found.image.chunks(2).zip(owned.image.chunks(2)) {
                prop_assert_eq!(after[1], before[1]);
                prop_assert!((low..=high).contains(&after[0]));
            }
            prop_assert_eq!(&lowered(&owned, &[Some(1.0); 2]).image, &owned.image);
            prop_assert_eq!(&lowered(&owned, &[None; 2]).image, &owned.image);
        }
    }

    #[test]
    fn detail_finer_than_the_larger_voxels_is_lost_and_the_rest_stays() {
        let mut owned = Owned::new([1, 1, 33], 1);
        owned.image.iter_mut().enumerate().for_each(|(i, value)| *value = i as f32);
        let ramp = lowered(&owned, &[Some(17.0 / 33.0)]);
        for (found, value) in ramp.image.iter().zip(&owned.image).skip(6).take(20) {
            assert!((found - value).abs() < 0.05, "{found} {value}");
        }
        owned.image.iter_mut().enumerate().for_each(|(i, value)| *value = if i % 2 == 0 { 1.0 } else { -1.0 });
        assert!(lowered(&owned, &[Some(17.0 / 33.0)]).image.iter().all(|value| (value - 1.0).abs() < 1e-5));
    }
}
