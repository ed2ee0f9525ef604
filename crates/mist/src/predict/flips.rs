//! Test-time augmentation: the image is mirrored, the result mirrored back, and the results averaged.

use super::ChannelsLast;
use crate::error::{Error, Result};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Mirroring along some of the axes x, y, z of the standard frame. Its own inverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flip {
    /// Name in messages: `identity`, or `flip_` and the axes.
    pub name: &'static str,
    axes: [bool; 3],
}

const fn flip(name: &'static str, x: bool, y: bool, z: bool) -> Flip {
    Flip { name, axes: [x, y, z] }
}

const ALL_FLIPS: [Flip; 8] = [
    Flip::IDENTITY,
    flip("flip_x", true, false, false),
    flip("flip_y", false, true, false),
    flip("flip_z", false, false, true),
    flip("flip_xy", true, true, false),
    flip("flip_xz", true, false, true),
    flip("flip_yz", false, true, true),
    flip("flip_xyz", true, true, true),
];

/// Names of strategies and their flips, in the order in which results are added.
const STRATEGIES: [(&str, &[Flip]); 2] = [("none", &[Flip::IDENTITY]), ("all_flips", &ALL_FLIPS)];

/// The flips of the strategy of this name.
///
/// # Errors
/// If there is no such strategy; the message lists those that there are.
pub fn strategy(name: &str) -> Result<&'static [Flip]> {
    STRATEGIES.iter().find(|(known, _)| *known == name).map(|(_, flips)| *flips).ok_or_else(|| {
        let known = STRATEGIES.map(|(known, _)| known).join(", ");
        Error::new(format!("TTA strategy '{name}' is not registered. Available: [{known}]."))
            .place("inference.tta.strategy")
    })
}

impl Flip {
    /// Mirrors nothing.
    pub const IDENTITY: Self = flip("identity", false, false, false);

    /// True if nothing is mirrored.
    pub fn is_identity(&self) -> bool {
        self.axes == [false; 3]
    }

    /// Where the planes x = `planes` of an image with so many planes lie in the mirrored image.
    pub fn planes(&self, planes: Range<usize>, count: usize) -> Range<usize> {
        if self.axes[0] { count - planes.end..count - planes.start } else { planes }
    }

    /// The mirrored array; the array itself where there is nothing to mirror.
    pub fn apply<'a>(&self, array: &'a ChannelsLast) -> Cow<'a, ChannelsLast> {
        if self.is_identity() {
            return Cow::Borrowed(array);
        }
        let mut mirrored = array.clone();
        self.visit(array, &mut mirrored, |to, from| to.copy_from_slice(from));
        Cow::Owned(mirrored)
    }

    /// Adds the mirrored array to `sums`, which must have its size.
    pub(super) fn add(&self, array: &ChannelsLast, sums: &mut ChannelsLast) {
        self.visit(array, sums, |sums, values| {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value;
            }
        });
    }

    /// Calls `visit` with the values of each voxel of `to` and of the mirrored voxel of `from`.
    fn visit(&self, from: &ChannelsLast, to: &mut ChannelsLast, visit: impl Fn(&mut [f32], &[f32]) + Sync) {
        let ([nx, ny, nz], channels) = (from.size(), from.channels());
        let at = |axis: usize, index: usize, count: usize| if self.axes[axis] { count - 1 - index } else { index };
        let (row, plane) = (nz * channels, from.plane_len());
        to.values_mut().par_chunks_mut(plane).enumerate().for_each(|(x, to)| {
            for (y, to) in to.chunks_exact_mut(row).enumerate() {
                let start = (at(0, x, nx) * ny + at(1, y, ny)) * row;
                let from = &from.values()[start..start + row];
                if self.axes[2] {
                    for (to, from) in to.chunks_exact_mut(channels).zip(from.chunks_exact(channels).rev()) {
                        visit(to, from);
                    }
                } else {
                    visit(to, from);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array() -> ChannelsLast {
        ChannelsLast::new([2, 3, 4], 2, (0..48).map(|value| value as f32).collect()).unwrap()
    }

    #[test]
    fn voxels_move_to_the_other_side() {
        for flip in ALL_FLIPS {
            let (array, flipped) = (array(), flip.apply(&array()).into_owned());
            for x in 0..2 {
                for y in 0..3 {
                    for z in 0..4 {
                        let mirrored = |letter, index, count: usize| {
                            if flip.name.trim_start_matches("flip_").contains(letter) && !flip.is_identity() {
                                count - 1 - index
                            } else {
                                index
                            }
                        };
                        let from = (mirrored('x', x, 2) * 3 + mirrored('y', y, 3)) * 4 + mirrored('z', z, 4);
                        let to = (x * 3 + y) * 4 + z;
                        assert_eq!(
                            flipped.values()[2 * to..2 * to + 2],
                            array.values()[2 * from..2 * from + 2],
                            "{}",
                            flip.name
                        );
                    }
                }
            }
            assert_eq!(*flip.apply(&flipped), array);
            let x = flip.name.contains("_x");
            assert_eq!(flip.planes(1..3, 7), if x { 4..6 } else { 1..3 }, "{}", flip.name);
        }
    }

    #[test]
    fn adding_adds_the_mirrored_array() {
        for flip in ALL_FLIPS {
            let mut sums = array();
            flip.add(&array(), &mut sums);
            let expected: Vec<f32> =
                array().values().iter().zip(flip.apply(&array()).values()).map(|(a, b)| a + b).collect();
            assert_eq!(sums.values(), expected);
        }
    }

    #[test]
    fn strategies_are_found_by_name() {
        assert_eq!(strategy("none").unwrap().len(), 1);
        assert!(strategy("none").unwrap()[0].is_identity());
        let names: Vec<_> = strategy("all_flips").unwrap().iter().map(|flip| flip.name).collect();
        assert_eq!(names, ["identity", "flip_x", "flip_y", "flip_z", "flip_xy", "flip_xz", "flip_yz", "flip_xyz"]);
        let error = strategy("x").unwrap_err().to_string();
        assert!(error.contains("TTA strategy 'x' is not registered. Available: [none, all_flips]."), "{error}");
    }
}
