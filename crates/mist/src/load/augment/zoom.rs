//! Zooming in.

use super::lines::{LANES, Lines, Row};
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

/// Corner-aligned position of output `i` of `to` in a line of `from` voxels. Clamped: rounding can put the last one a hair
/// beyond the end.
fn position(i: usize, from: usize, to: usize) -> f64 {
    if to < 2 {
        return 0.0;
    }
    let last = (from - 1) as f64;
    (i as f64 * (last / (to - 1) as f64)).min(last)
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

/// Interpolates every line of `source` at `length` corner-aligned positions.
fn enlarge_lines(source: &[f32], lines: Lines, length: usize, target: &mut [f32], rows: [&mut Vec<Row>; 2]) {
    let taps: Vec<Taps> = (0..length).map(|i| Taps::at(position(i, lines.length, length), lines.length)).collect();
    let [coefficients, enlarged] = rows;
    coefficients.resize(lines.length, [0.0; LANES]);
    enlarged.resize(length, [0.0; LANES]);
    for block in lines.blocks() {
        lines.gather(source, block, coefficients);
        spline_coefficients(coefficients);
        for (out, taps) in enlarged.iter_mut().zip(&taps) {
            let [a, b, c, d] = taps.index.map(|i| &coefficients[i]);
            for lane in 0..LANES {
                out[lane] = taps.weight[0] * a[lane]
                    + taps.weight[1] * b[lane]
                    + taps.weight[2] * c[lane]
                    + taps.weight[3] * d[lane];
            }
        }
        lines.with_length(length).scatter(enlarged, block, target);
    }
}

/// The four coefficients that a position depends on.
struct Taps {
    index: [usize; 4],
    weight: [f32; 4],
}

impl Taps {
    fn at(position: f64, length: usize) -> Self {
        let base = position.floor();
        let t = position - base;
        let last = length as isize - 1;
        let mirror = |i: isize| {
            if last == 0 {
                return 0;
            }
            let folded = i.rem_euclid(2 * last);
            folded.min(2 * last - folded) as usize
        };
        Self {
            index: [-1, 0, 1, 2].map(|offset| mirror(base as isize + offset)),
            weight: [
                (1.0 - t).powi(3) / 6.0,
                (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
                (1.0 + 3.0 * t + 3.0 * t * t - 3.0 * t * t * t) / 6.0,
                t * t * t / 6.0,
            ]
            .map(|weight: f64| weight as f32),
        }
    }
}

/// Replaces samples by the coefficients of the cubic B-spline through them, mirrored at the borders (Unser 1999, box 2).
fn spline_coefficients(rows: &mut [Row]) {
    const POLE: f64 = -0.267_949_192_431_122_7; // sqrt(3) - 2
    const GAIN: f32 = 6.0;
    /// Powers of the pole beyond this no longer reach a single-precision sum.
    const HORIZON: usize = 24;
    let last = rows.len() - 1;
    if last == 0 {
        return;
    }
    let pole = POLE as f32;
    let mut first = rows[0];
    // The samples repeat mirrored with period 2 * last, so a power p also meets the one at 2 * last - p.
    for i in 1..=last.min(HORIZON) {
        let mut weight = POLE.powi(i as i32);
        if i < last {
            weight += POLE.powi((2 * last - i) as i32);
        }
        for lane in 0..LANES {
            first[lane] += weight as f32 * rows[i][lane];
        }
    }
    let scale = GAIN / (1.0 - POLE.powi(2 * last as i32)) as f32;
    let mut previous = first.map(|value| value * scale);
    rows[0] = previous;
    for row in &mut rows[1..] {
        for lane in 0..LANES {
            previous[lane] = GAIN * row[lane] + pole * previous[lane];
        }
        *row = previous;
    }
    let edge = (POLE / (POLE * POLE - 1.0)) as f32;
    for lane in 0..LANES {
        previous[lane] = edge * (rows[last][lane] + pole * rows[last - 1][lane]);
    }
    rows[last] = previous;
    for row in rows[..last].iter_mut().rev() {
        for lane in 0..LANES {
            previous[lane] = pole * (previous[lane] - row[lane]);
        }
        *row = previous;
    }
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
    fn splines_pass_through_the_samples() {
        for length in [2, 3, 4, 9, 40] {
            let samples: Vec<f32> = (0..length).map(|i| ((i * i * 7 + 3 * i) % 11) as f32 - 5.0).collect();
            let mut rows: Vec<Row> = samples.iter().map(|v| [*v; LANES]).collect();
            spline_coefficients(&mut rows);
            for (i, sample) in samples.iter().enumerate() {
                let taps = Taps::at(i as f64, length);
                let value: f32 = (0..4).map(|k| taps.weight[k] * rows[taps.index[k]][3]).sum();
                assert!((value - sample).abs() < 1e-5, "{length}: {value} {sample}");
            }
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
