//! Zooming in.

use super::lines::Lines;
use super::spline::{enlarge_lines, position};
use super::{Buffers, Transform};
use crate::load::patch::Patch;
use mist_nn::random::Stream;

/// Cuts the middle out of a patch and enlarges it to the size of the patch.
///
/// The cut has `max(1, round_half_even(scale * n))` voxels per axis and starts at `(n - size) / 2`, rounded down. Enlarging
/// is corner-aligned: output `i` lies at `i * (size - 1) / (n - 1)` of the cut. The image is interpolated by cubic B-splines
/// (Unser 1999) whose coefficients assume a mirrored border, the label by nearest neighbour, `floor(position + 1/2)`.
/// Channels are not mixed. Probability 0.15; scale uniform in [0.7, 1]. Not for patches with distance maps: scaling
/// changes distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// Size of the cut relative to the patch, at most 1.
    pub scale: f64,
}

impl Zoom {
    const PROBABILITY: f64 = 0.15;
    const SCALE: (f64, f64) = (0.7, 1.0);

    /// Coin, then the scale.
    pub fn draw(stream: &mut Stream) -> Option<Self> {
        (stream.uniform() < Self::PROBABILITY).then(|| Self { scale: stream.uniform_in(Self::SCALE.0, Self::SCALE.1) })
    }

    /// Size of the cut along an axis of `extent` voxels.
    pub fn cut(&self, extent: usize) -> usize {
        ((self.scale * extent as f64).round_ties_even() as usize).clamp(1, extent)
    }
}

impl Transform for Zoom {
    fn apply(&self, patch: &mut Patch<'_>, buffers: &mut Buffers) {
        let size = patch.size;
        let cut = size.map(|extent| self.cut(extent));
        if cut == size {
            return; // splines pass through the voxels
        }
        let start = [0, 1, 2].map(|axis| (size[axis] - cut[axis]) / 2);
        enlarge_label(patch.label, size, start, cut, &mut buffers.label);

        buffers.image.clear();
        for x in start[0]..start[0] + cut[0] {
            for y in start[1]..start[1] + cut[1] {
                let row = ((x * size[1] + y) * size[2] + start[2]) * patch.channels;
                buffers.image.extend_from_slice(&patch.image[row..row + cut[2] * patch.channels]);
            }
        }
        // The last axis first: its lines are the costly ones to gather, and there are fewest of them now.
        let mut current = cut;
        for axis in [2, 1, 0] {
            let lines = Lines::along(axis, current, patch.channels);
            current[axis] = size[axis];
            if axis == 0 {
                enlarge_lines(&buffers.image, lines, size[0], patch.image, [&mut buffers.rows, &mut buffers.more_rows]);
            } else {
                buffers.more_image.resize(current.iter().product::<usize>() * patch.channels, 0.0);
                let rows = [&mut buffers.rows, &mut buffers.more_rows];
                enlarge_lines(&buffers.image, lines, size[axis], &mut buffers.more_image, rows);
                std::mem::swap(&mut buffers.image, &mut buffers.more_image);
            }
        }
    }
}

fn enlarge_label(label: &mut [u8], size: [usize; 3], start: [usize; 3], cut: [usize; 3], buffer: &mut Vec<u8>) {
    let source = [0, 1, 2].map(|axis| -> Vec<usize> {
        let nearest = |i| start[axis] + (position(i, cut[axis], size[axis]) + 0.5).floor() as usize;
        (0..size[axis]).map(nearest).collect()
    });
    buffer.clear();
    for x in &source[0] {
        for y in &source[1] {
            let row = &label[(x * size[1] + y) * size[2]..][..size[2]];
            buffer.extend(source[2].iter().map(|z| row[*z]));
        }
    }
    label.copy_from_slice(buffer);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::patch::testing::Owned;

    /// In the reference these sizes turned the last plane of image and label to zero.
    #[test]
    fn the_last_plane_stays_where_rounding_exceeds_the_end() {
        for (size, cut) in [(80, 56), (80, 61), (144, 118), (160, 127), (176, 128)] {
            let zoom = Zoom { scale: cut as f64 / size as f64 };
            assert_eq!(zoom.cut(size), cut);
            let mut owned = Owned::new([1, 1, size], 1);
            owned.image.fill(2.0);
            owned.label.fill(1);
            zoom.apply(&mut owned.view(), &mut Buffers::default());
            assert!(owned.label.iter().all(|v| *v == 1), "{size} {cut}");
            assert!(owned.image.iter().all(|v| (v - 2.0).abs() < 1e-5), "{size} {cut}");
        }
    }

    #[test]
    fn a_ramp_is_stretched_exactly_up_to_the_border() {
        let mut owned = Owned::new([1, 41, 1], 2);
        for (i, value) in owned.image.iter_mut().enumerate() {
            *value = (i / 2) as f32 * if i % 2 == 0 { 1.0 } else { -2.0 };
        }
        Zoom { scale: 21.0 / 41.0 }.apply(&mut owned.view(), &mut Buffers::default());
        for y in 8..33 {
            let expected = 10.0 + y as f32 * 0.5;
            assert!((owned.image[2 * y] - expected).abs() < 1e-3, "{y}: {}", owned.image[2 * y]);
            assert!((owned.image[2 * y + 1] + 2.0 * expected).abs() < 2e-3);
        }
    }
}
