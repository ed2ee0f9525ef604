//! The weight gradient: `dW = Gt [sum over tiles of (Bt x) (A dy)]`, one matrix of channels by channels per frequency.
//!
//! A job takes a chunk of the tiles and a slab of input and output channels, and carries a few tiles at a time through
//! both transforms and into the sums. These are kept by the job: with the largest tiles they take 0.9 MB, the frequencies
//! of the few tiles half of that, and all of it stays in a second-level cache. Sums of all channels at once, or batches
//! of tiles for all threads together, go through memory again and again (measured: two to four times slower). That some
//! tiles are transformed for several slabs is cheaper.

use std::ops::Range;

use rayon::prelude::*;

use super::grid::Grid;
use super::input::{Frequencies, Source, gradient_tiles, input_tiles};
use super::weights::{SLAB, gradient_of_weight};
use crate::conv::{ConvShape, Input};
use crate::output::with_scratch;
use crate::simd::{Isa, Kernel, Simd};
use crate::tile::{Lines, add_products};

/// Tiles that are transformed and added together.
const TILES: usize = 8;
/// Least tiles of a chunk: the sums of one have to be zeroed and transformed back.
const CHUNK: usize = 64;
/// Jobs that are wanted, for the threads of a large machine. A constant, as the order of the sums depends on it.
const JOBS: usize = 16;
/// Frequencies are padded by a cache line, so that they do not fall into the same cache sets.
const PAD: usize = 16;
/// Values of a kernel.
const ENTRIES: usize = 27;

/// Gradient with respect to the weight, `[out, in, 3, 3, 3]`, by tiles of `D * H * W` outputs.
pub(super) fn weight_gradient<const D: usize, const H: usize, const W: usize>(
    isa: Isa,
    shape: &ConvShape,
    x: Input,
    dy: &[f32],
) -> Vec<f32> {
    let (batch, padding) = (shape.batch, shape.padding);
    let grid = Grid { batch, source: shape.input, output: shape.output(), padding, tile: [D, H, W] };
    let (inputs, outputs) = (shape.in_channels, shape.out_channels);
    let source = Source::new(&grid, x, inputs);
    let slabs = |channels: usize| (0..channels).step_by(SLAB).map(move |first| first..(first + SLAB).min(channels));
    let blocks: Vec<_> =
        slabs(outputs).flat_map(|output| slabs(inputs).map(move |input| (input, output.clone()))).collect();
    let all = grid.tiles();
    let chunks = JOBS.div_ceil(blocks.len().max(1)).min(all.div_ceil(CHUNK)).max(1);
    let per_chunk = all.div_ceil(chunks);
    let parts: Vec<Vec<f32>> = (0..blocks.len() * chunks)
        .into_par_iter()
        .with_max_len(1)
        .map(|job| {
            let ((inputs, outputs), chunk) = (blocks[job / chunks].clone(), job % chunks);
            let tiles = (chunk * per_chunk).min(all)..(chunk * per_chunk + per_chunk).min(all);
            Job { grid: &grid, source: &source, dy, out_channels: shape.out_channels, inputs, outputs, tiles }
                .run::<D, H, W>(isa)
        })
        .collect();
    let mut gradient = vec![0.0; shape.weight_len()];
    for ((input, output), parts) in blocks.iter().zip(parts.chunks(chunks)) {
        for part in parts {
            for (channel, kernels) in output.clone().zip(part.chunks_exact(input.len() * ENTRIES)) {
                let to = &mut gradient[(channel * inputs + input.start) * ENTRIES..][..kernels.len()];
                for (sum, value) in to.iter_mut().zip(kernels) {
                    *sum += value;
                }
            }
        }
    }
    gradient
}

/// Some tiles of some channels.
struct Job<'a> {
    grid: &'a Grid,
    source: &'a Source<'a>,
    /// Gradient of the output.
    dy: &'a [f32],
    /// Its channels.
    out_channels: usize,
    inputs: Range<usize>,
    outputs: Range<usize>,
    tiles: Range<usize>,
}

impl Job<'_> {
    /// The gradient of these channels by these tiles, `[out, in, 3, 3, 3]`.
    fn run<const D: usize, const H: usize, const W: usize>(&self, isa: Isa) -> Vec<f32> {
        let (inputs, outputs) = (self.inputs.len(), self.outputs.len());
        let frequencies = self.grid.frequencies();
        let (x_step, dy_step) = (TILES * inputs + PAD, TILES * outputs + PAD);
        with_scratch(frequencies * (x_step + dy_step + inputs * outputs), |scratch| {
            let (x_room, scratch) = scratch.split_at_mut(frequencies * x_step);
            let (dy_room, sums) = scratch.split_at_mut(frequencies * dy_step);
            sums.fill(0.0);
            let x = Frequencies { values: x_room.as_mut_ptr(), step: x_step, channels: inputs };
            let dy = Frequencies { values: dy_room.as_mut_ptr(), step: dy_step, channels: outputs };
            for first in self.tiles.clone().step_by(TILES) {
                let tiles = first..(first + TILES).min(self.tiles.end);
                isa.run(Transform::<D, H, W> { job: self, tiles: tiles.clone(), to: [x, dy] });
                isa.run(Add { x, dy, tiles: tiles.len(), frequencies, sums });
            }
            gradient_of_weight::<D, H, W>(isa, [inputs, outputs], sums)
        })
    }
}

/// Both transforms of some tiles.
struct Transform<'a, const D: usize, const H: usize, const W: usize> {
    job: &'a Job<'a>,
    tiles: Range<usize>,
    to: [Frequencies; 2],
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Transform<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { grid, source, dy, out_channels, inputs, outputs, .. } = self.job;
        let [x_to, dy_to] = self.to;
        let dy = (dy.as_ptr(), *out_channels);
        // SAFETY: there is room for so many tiles; the channels are multiples of the lanes.
        unsafe {
            input_tiles::<S, D, H, W>(simd, grid, source, inputs.clone(), self.tiles.clone(), x_to);
            gradient_tiles::<S, D, H, W>(simd, grid, dy, outputs.clone(), self.tiles, dy_to);
        }
    }
}

/// The products of all frequencies, tile after tile.
struct Add<'a> {
    x: Frequencies,
    dy: Frequencies,
    tiles: usize,
    frequencies: usize,
    /// `[frequency][in][out]`.
    sums: &'a mut [f32],
}

impl Kernel for Add<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (inputs, outputs) = (self.x.channels, self.dy.channels);
        for (frequency, sums) in self.sums.chunks_exact_mut(inputs * outputs).take(self.frequencies).enumerate() {
            let x = self.x.values.wrapping_add(frequency * self.x.step).cast_const();
            let dy = self.dy.values.wrapping_add(frequency * self.dy.step).cast_const();
            let lines = Lines { rows: &[(x, dy)], count: self.tiles, left_step: inputs, right_step: outputs };
            // SAFETY: both hold the tiles' channels, and the sums all pairs of them.
            unsafe { add_products(simd, &lines, inputs, outputs, sums.as_mut_ptr()) }
        }
    }
}
