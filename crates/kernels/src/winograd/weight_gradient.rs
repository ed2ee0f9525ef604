//! The weight gradient: `dW = Gt [sum over tiles of (Bt x) (A dy)]`, one matrix of channels by channels per frequency.
//!
//! Batches of tiles are transformed by all threads, then every frequency adds its products in the order of the tiles.

use std::ops::Range;

use rayon::prelude::*;

use super::grid::Grid;
use super::input::{Frequencies, Source, gradient_tiles, input_tiles};
use super::weights::gradient_of_weight;
use crate::conv::{ConvShape, Input};
use crate::output::{Shared, with_scratch};
use crate::simd::{Isa, Kernel, Simd};
use crate::tile::{Lines, add_products};

/// Floats of the frequencies of a batch, both maps: 4 MiB, which stay in a third-level cache (measured: 2 and 8 MiB are
/// slower).
const BATCH: usize = 1024 * 1024;
/// Tiles of one transform job.
const TRANSFORM_TILES: usize = 4;
/// Frequencies are padded by a cache line, so that they do not fall into the same cache sets.
const PAD: usize = 16;

/// Gradient with respect to the weight, `[out, in, 3, 3, 3]`, by tiles of `D * H * W` outputs.
pub(super) fn weight_gradient<const D: usize, const H: usize, const W: usize>(
    isa: Isa,
    shape: &ConvShape,
    x: Input,
    dy: &[f32],
) -> Vec<f32> {
    let grid = Grid {
        batch: shape.batch,
        source: shape.input,
        output: shape.output(),
        padding: shape.padding,
        tile: [D, H, W],
    };
    let (inputs, outputs) = (shape.in_channels, shape.out_channels);
    let (frequencies, all) = (grid.frequencies(), grid.tiles());
    let batch = (BATCH / (frequencies * (inputs + outputs))).max(TRANSFORM_TILES).min(all);
    let (x_step, dy_step) = (batch * inputs + PAD, batch * outputs + PAD);
    let source = Source::new(&grid, x, inputs);
    with_scratch(frequencies * (x_step + dy_step + inputs * outputs), |scratch| {
        let (x_room, scratch) = scratch.split_at_mut(frequencies * x_step);
        let (dy_room, sums) = scratch.split_at_mut(frequencies * dy_step);
        let (x_values, dy_values) = (Shared(x_room.as_mut_ptr()), Shared(dy_room.as_mut_ptr()));
        for start in (0..all).step_by(batch) {
            let end = (start + batch).min(all);
            (0..(end - start).div_ceil(TRANSFORM_TILES)).into_par_iter().with_max_len(1).for_each(|job| {
                let first = job * TRANSFORM_TILES;
                let tiles = start + first..(start + first + TRANSFORM_TILES).min(end);
                let x_to = x_values.pointer().wrapping_add(first * inputs);
                let dy_to = dy_values.pointer().wrapping_add(first * outputs);
                isa.run(Transform::<D, H, W> {
                    grid: &grid,
                    source: &source,
                    dy,
                    tiles,
                    to: [
                        Frequencies { values: x_to, step: x_step, channels: inputs },
                        Frequencies { values: dy_to, step: dy_step, channels: outputs },
                    ],
                });
            });
            sums.par_chunks_mut(inputs * outputs).with_max_len(1).enumerate().for_each(|(frequency, sums)| {
                let x = x_values.pointer().wrapping_add(frequency * x_step);
                let dy = dy_values.pointer().wrapping_add(frequency * dy_step);
                if start == 0 {
                    sums.fill(0.0);
                }
                isa.run(Add { x, dy, tiles: end - start, inputs, outputs, sums });
            });
        }
        gradient_of_weight::<D, H, W>(isa, shape, sums)
    })
}

/// Both transforms of some tiles.
struct Transform<'a, const D: usize, const H: usize, const W: usize> {
    grid: &'a Grid,
    source: &'a Source<'a>,
    /// Gradient of the output.
    dy: &'a [f32],
    tiles: Range<usize>,
    to: [Frequencies; 2],
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Transform<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: the batch has room for its tiles; the channels are multiples of the lanes.
        unsafe {
            let [x_to, dy_to] = self.to;
            input_tiles::<S, D, H, W>(simd, self.grid, self.source, 0..x_to.channels, self.tiles.clone(), x_to);
            gradient_tiles::<S, D, H, W>(simd, self.grid, self.dy.as_ptr(), self.tiles, dy_to);
        }
    }
}

/// The products of one frequency.
struct Add<'a> {
    x: *const f32,
    dy: *const f32,
    tiles: usize,
    inputs: usize,
    outputs: usize,
    sums: &'a mut [f32],
}

impl Kernel for Add<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let rows = [(self.x, self.dy)];
        let lines = Lines { rows: &rows, count: self.tiles, left_step: self.inputs, right_step: self.outputs };
        // SAFETY: the batch holds `tiles` voxels of both maps' channels, and the sums all pairs of them.
        unsafe { add_products(simd, &lines, self.inputs, self.outputs, self.sums.as_mut_ptr()) }
    }
}
