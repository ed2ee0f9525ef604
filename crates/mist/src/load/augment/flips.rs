//! Mirroring.

use super::{Buffers, Transform};
use crate::load::patch::Patch;
use mist_nn::random::Stream;

/// Mirrors a patch along some of its axes: `out[i] = in[n - 1 - i]` on every mirrored axis.
///
/// Each axis is mirrored with probability 1/2. Image, label and distance maps move together; distances are invariant,
/// so only their positions change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flips {
    /// Which of the axes x, y, z are mirrored.
    pub axes: [bool; 3],
}

impl Flips {
    const PROBABILITY: f64 = 0.5;

    /// One coin per axis, x first.
    pub fn draw(stream: &mut Stream) -> Option<Self> {
        let axes = [(); 3].map(|()| stream.uniform() < Self::PROBABILITY);
        axes.contains(&true).then_some(Self { axes })
    }
}

impl Transform for Flips {
    fn apply(&self, patch: &mut Patch<'_>, _: &mut Buffers) {
        flip(patch.image, patch.size, patch.channels, self.axes);
        flip(patch.label, patch.size, 1, self.axes);
        if let Some(distance) = &mut patch.distance {
            flip(distance.values, patch.size, distance.channels, self.axes);
        }
    }
}

/// Mirrors an array `[x][y][z][channel]` in place.
fn flip<T>(array: &mut [T], size: [usize; 3], channels: usize, axes: [bool; 3]) {
    for axis in (0..3).filter(|axis| axes[*axis]) {
        let step = size[axis + 1..].iter().product::<usize>() * channels;
        for line in array.chunks_mut(size[axis] * step) {
            let (mut first, mut last) = (0, size[axis] - 1);
            while first < last {
                let (front, back) = line.split_at_mut(last * step);
                front[first * step..][..step].swap_with_slice(&mut back[..step]);
                first += 1;
                last -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_mirrors_the_right_axes_and_is_its_own_inverse() {
        let (size, channels) = ([2, 3, 4], 2);
        let original: Vec<u32> = (0..2 * 3 * 4 * 2).collect();
        for choice in 0..8 {
            let axes = [choice & 1 != 0, choice & 2 != 0, choice & 4 != 0];
            let mut array = original.clone();
            flip(&mut array, size, channels, axes);
            let source = |i: usize, axis: usize| if axes[axis] { size[axis] - 1 - i } else { i };
            for (x, y, z, c) in positions(size, channels) {
                let from = ((source(x, 0) * 3 + source(y, 1)) * 4 + source(z, 2)) * 2 + c;
                assert_eq!(array[((x * 3 + y) * 4 + z) * 2 + c], original[from], "{axes:?}");
            }
            flip(&mut array, size, channels, axes);
            assert_eq!(array, original);
        }
    }

    fn positions(size: [usize; 3], channels: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        (0..size.iter().product::<usize>() * channels).map(move |i| {
            let voxel = i / channels;
            (voxel / (size[1] * size[2]), voxel / size[2] % size[1], voxel % size[2], i % channels)
        })
    }
}
