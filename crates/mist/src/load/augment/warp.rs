//! Transforms that move voxels off the grid: rotation and elastic deformation, in one resampling.
//!
//! They look beyond the patch, so they are applied while it is cut: a larger box is taken from the volume (zero beyond its
//! ends, as everywhere), and the patch is interpolated in it.

use super::Switches;
use super::elastic::Elastic;
use super::rotation::Rotation;
use crate::load::patch::Patch;
use mist_nn::random::Stream;

/// Fills the voxel at offset `r` from the middle of the patch from the offset `R (r + u(r))`, where `R` is the rotation and `u`
/// the displacement.
///
/// The image is interpolated linearly. A label is the class with the largest share in that interpolation, the lowest such
/// class where shares are equal: outlines stay as smooth as they were, and no class comes in that is not near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warp {
    /// Rotation, if drawn.
    pub rotation: Option<Rotation>,
    /// Elastic deformation, if drawn.
    pub elastic: Option<Elastic>,
    /// Spacing of the patch along x, y and z.
    pub spacing: [f64; 3],
}

/// The box that a patch is interpolated in. Kept between patches for its memory.
#[derive(Debug, Default)]
pub struct Surroundings {
    size: [usize; 3],
    channels: usize,
    image: Vec<f32>,
    label: Vec<u8>,
}

impl Surroundings {
    /// An empty box for a patch with this margin.
    pub fn of(&mut self, patch: &Patch<'_>, margin: [usize; 3]) -> Patch<'_> {
        self.size = [0, 1, 2].map(|axis| patch.size[axis] + 2 * margin[axis]);
        self.channels = patch.channels;
        let voxels = self.size.iter().product::<usize>();
        self.image.resize(voxels * self.channels, 0.0);
        self.label.resize(voxels, 0);
        let (size, channels) = (self.size, self.channels);
        Patch { size, channels, image: &mut self.image, label: &mut self.label, distance: None }
    }
}

impl Warp {
    /// Rotation, then elastic deformation, as far as they are switched on; nothing if none comes up.
    pub fn draw(switches: &Switches, spacing: [f64; 3], stream: &mut Stream) -> Option<Self> {
        let rotation = if switches.rotation { Rotation::draw(spacing, stream) } else { None };
        let elastic = if switches.elastic { Elastic::draw(stream) } else { None };
        (rotation.is_some() || elastic.is_some()).then_some(Self { rotation, elastic, spacing })
    }

    /// How far beyond a patch of this size it looks on both sides of each axis, in voxels.
    pub fn margin(&self, size: [usize; 3]) -> [usize; 3] {
        let reach = self.elastic.map_or([0.0; 3], |elastic| elastic.reach(size, self.spacing));
        let half = size.map(|extent| (extent - 1) as f64 / 2.0);
        let matrix = self.matrix();
        [0, 1, 2].map(|axis| {
            let farthest: f64 = (0..3).map(|other| matrix[axis][other].abs() * (half[other] + reach[other])).sum();
            (farthest - half[axis]).ceil().max(0.0) as usize
        })
    }

    fn matrix(&self) -> [[f64; 3]; 3] {
        self.rotation.unwrap_or(Rotation { angles: [0.0; 3] }).matrix(self.spacing)
    }

    /// Fills the patch from the box around it.
    pub fn apply(&self, surroundings: &Surroundings, patch: &mut Patch<'_>) {
        let size = patch.size;
        let matrix = self.matrix();
        let field = self.elastic.map(|elastic| elastic.field(size, self.spacing));
        let middle = |size: [usize; 3]| size.map(|extent| (extent - 1) as f64 / 2.0);
        let (middle_to, middle_from) = (middle(size), middle(surroundings.size));
        let mut displacements = vec![[0.0; 3]; size[2]];
        let rows = patch.image.chunks_mut(size[2] * patch.channels).zip(patch.label.chunks_mut(size[2]));
        for (i, (image, label)) in rows.enumerate() {
            let (x, y) = (i / size[1], i % size[1]);
            if let Some(field) = &field {
                field.row(x, y, &mut displacements);
            }
            let voxels = image.chunks_mut(patch.channels).zip(label).zip(&displacements);
            for (z, ((image, label), displacement)) in voxels.enumerate() {
                let to = [x, y, z];
                let offset = [0, 1, 2].map(|axis| to[axis] as f64 - middle_to[axis] + displacement[axis]);
                let from = [0, 1, 2].map(|axis| {
                    let [a, b, c] = matrix[axis];
                    middle_from[axis] + (a * offset[0] + b * offset[1] + c * offset[2])
                });
                let near = Neighbours::of(from, surroundings.size);
                near.interpolate(&surroundings.image, image);
                *label = near.class(&surroundings.label);
            }
        }
    }
}

/// The eight voxels around a position.
struct Neighbours {
    /// Their indices; bit 2 of the place says which is upper along x, bit 1 along y, bit 0 along z.
    index: [usize; 8],
    /// Parts of a voxel from the lower ones.
    fraction: [f32; 3],
}

impl Neighbours {
    fn of(position: [f64; 3], size: [usize; 3]) -> Self {
        // Positions lie inside but for rounding.
        let position = [0, 1, 2].map(|axis| position[axis].clamp(0.0, (size[axis] - 1) as f64));
        let low = position.map(|position| position as usize);
        let high = [0, 1, 2].map(|axis| (low[axis] + 1).min(size[axis] - 1));
        let index = [0, 1, 2, 3, 4, 5, 6, 7].map(|place| {
            let [x, y, z] = [0, 1, 2].map(|axis| if place >> (2 - axis) & 1 == 1 { high[axis] } else { low[axis] });
            (x * size[1] + y) * size[2] + z
        });
        Self { index, fraction: [0, 1, 2].map(|axis| (position[axis] - low[axis] as f64) as f32) }
    }

    fn interpolate(&self, image: &[f32], out: &mut [f32]) {
        let channels = out.len();
        let [x, y, z] = self.fraction;
        // In this form a position on a voxel, and a constant image, give the very value.
        let between = |low: f32, high: f32, fraction: f32| low + (high - low) * fraction;
        for (channel, out) in out.iter_mut().enumerate() {
            let value = self.index.map(|index| image[index * channels + channel]);
            let along_z = [0, 2, 4, 6].map(|i| between(value[i], value[i + 1], z));
            let along_y = [0, 2].map(|i| between(along_z[i], along_z[i + 1], y));
            *out = between(along_y[0], along_y[1], x);
        }
    }

    fn class(&self, label: &[u8]) -> u8 {
        let near = self.index.map(|index| label[index]);
        if near.iter().all(|class| *class == near[0]) {
            return near[0];
        }
        let parts = self.fraction.map(|fraction| [1.0 - fraction, fraction]);
        let weight = |place: usize| parts[0][place >> 2] * parts[1][place >> 1 & 1] * parts[2][place & 1];
        let (mut best, mut most) = (near[0], -1.0);
        for class in near {
            let share: f32 = (0..8).filter(|place| near[*place] == class).map(weight).sum();
            if share > most || (share == most && class < best) {
                (best, most) = (class, share);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::patch::testing::Owned;
    use proptest::prelude::*;

    /// The patch that the warp makes of a volume, whose middle it lies in; zero beyond its ends.
    fn warp(warp: Warp, volume: &Owned, size: [usize; 3]) -> Owned {
        let mut owned = Owned::new(size, volume.channels);
        let margin = warp.margin(size);
        let mut surroundings = Surroundings::default();
        let around = surroundings.of(&owned.view(), margin);
        let anchor = [0, 1, 2].map(|axis| (volume.size[axis] as isize - around.size[axis] as isize) / 2);
        let channels = volume.channels;
        crate::load::region::copy_box(&volume.image, volume.size, channels, anchor, around.size, around.image);
        crate::load::region::copy_box(&volume.label, volume.size, 1, anchor, around.size, around.label);
        warp.apply(&surroundings, &mut owned.view());
        owned
    }

    fn any_volume(size: [usize; 3]) -> impl Strategy<Value = Owned> {
        let voxels = size.iter().product::<usize>();
        proptest::collection::vec(prop_oneof![Just(0u8), Just(2), Just(5)], voxels).prop_map(move |label| {
            // The second channel marks class 2.
            let image = label.iter().flat_map(|class| [f32::from(*class), f32::from(*class == 2)]).collect();
            Owned { size, channels: 2, image, label }
        })
    }

    fn any_warp() -> impl Strategy<Value = Warp> {
        let angle = -0.6..0.6f64;
        let spacing = 0.5..1.5f64;
        let rotation = [angle.clone(), angle.clone(), angle].prop_map(|angles| Rotation { angles });
        let elastic = (0.0..0.4f64, any::<u64>()).prop_map(|(strength, key)| Elastic { strength, key });
        (proptest::option::of(rotation), proptest::option::of(elastic), [spacing.clone(), spacing.clone(), spacing])
            .prop_map(|(rotation, elastic, spacing)| Warp { rotation, elastic, spacing })
    }

    proptest! {
        #[test]
        fn image_and_label_move_together_and_no_class_comes_in(volume in any_volume([9, 8, 9]), any in any_warp()) {
            let found = warp(any, &volume, [5, 4, 3]);
            for (image, class) in found.image.chunks(2).zip(&found.label) {
                prop_assert!([0, 2, 5].contains(class));
                // The marker says how large the share of class 2 is.
                if image[1] > 0.501 {
                    prop_assert_eq!(*class, 2);
                }
                if *class == 2 {
                    prop_assert!(image[1] > 0.332, "{}", image[1]);
                }
            }
            prop_assert_eq!(warp(any, &volume, [5, 4, 3]).image, found.image);
        }

        #[test]
        fn no_strength_changes_nothing(volume in any_volume([5, 4, 6]), any in any_warp(), key: u64) {
            let rotation = any.rotation.map(|_| Rotation { angles: [0.0; 3] });
            let elastic = any.elastic.map(|_| Elastic { strength: 0.0, key });
            let none = Warp { rotation, elastic, ..any };
            prop_assert_eq!(none.margin(volume.size), [0; 3]);
            let found = warp(none, &volume, volume.size);
            prop_assert_eq!(found.image, volume.image);
            prop_assert_eq!(found.label, volume.label);
        }

        /// Inside a volume that is large enough nothing is lost: no voxel of the patch comes from beyond its ends.
        #[test]
        fn the_margin_is_all_that_is_looked_at(any in any_warp(), size in [1usize..9, 1usize..9, 1usize..9]) {
            let margin = any.margin(size);
            let mut volume = Owned::new([0, 1, 2].map(|axis| size[axis] + 2 * margin[axis]), 1);
            volume.image.fill(1.0);
            volume.label.fill(1);
            let found = warp(any, &volume, size);
            prop_assert!(found.image.iter().all(|value| *value == 1.0));
            prop_assert!(found.label.iter().all(|class| *class == 1));
        }
    }

    #[test]
    fn a_quarter_turn_permutes_the_voxels() {
        let mut volume = Owned::new([3, 3, 1], 1);
        (0..9).for_each(|i| {
            volume.image[i] = i as f32;
            volume.label[i] = i as u8;
        });
        let angles = [0.0, 0.0, std::f64::consts::FRAC_PI_2];
        let turn = Warp { rotation: Some(Rotation { angles }), elastic: None, spacing: [2.0, 2.0, 1.0] };
        let found = warp(turn, &volume, [3, 3, 1]);
        // x looks where y was, y against where x was.
        assert_eq!(found.label, [6, 3, 0, 7, 4, 1, 8, 5, 2]);
        assert!(found.image.iter().zip(&found.label).all(|(value, class)| (value - f32::from(*class)).abs() < 1e-5));
    }
}
