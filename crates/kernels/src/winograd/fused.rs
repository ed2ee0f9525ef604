//! The forward pass for few channels: a job carries some tiles through all steps.
//!
//! What is between the steps stays in the caches: columns of the input, transformed along depth and height, in the second
//! level (of up to 128 source channels); of one plane of frequencies at a time the last transform, the products and the first transform back, in the first.
//! The weights go through once per job.

use std::ops::Range;

use rayon::prelude::*;

use super::columns::{Columns, input_columns, input_lines};
use super::forward::Pass;
use super::inverse::{Stack, output_depth, output_lines, output_planes};
use super::output::{Products, Target};
use super::products::Multiply;
use crate::output::with_scratch;
use crate::simd::{Isa, Kernel, Simd, fence};

/// Most tiles of a job: more share the weights, but their columns no longer stay in the second level.
const TILES: usize = 16;
/// Most tiles times source channels of a job, likewise, where that leaves [`LEAST_TILES`].
const TILES_BY_SOURCES: usize = 1024;
/// Least tiles of a job, also of a small map, where jobs for all threads are wanted. Results do not depend on it.
const LEAST_TILES: usize = 8;
/// Jobs that a map should have at least.
const JOBS: usize = 16;
/// Output channels that are done at once.
const CHANNELS: usize = 64;
/// What lies a power of two apart would fall into the same cache sets.
const PAD: usize = 16;

/// All steps of a few tiles at a time.
pub(super) fn run<const D: usize, const H: usize, const W: usize>(pass: &Pass, isa: Isa, target: Target) {
    let all = pass.grid.tiles();
    let most = (TILES_BY_SOURCES / pass.source_channels).clamp(LEAST_TILES, TILES);
    let count = (all / JOBS).clamp(LEAST_TILES, most);
    (0..all.div_ceil(count)).into_par_iter().with_max_len(1).for_each(|job| {
        let tiles = job * count..(job * count + count).min(all);
        Job::<D, H, W> { pass, isa, tiles, target }.run();
    });
}

/// Some tiles.
struct Job<'a, const D: usize, const H: usize, const W: usize> {
    pass: &'a Pass<'a>,
    isa: Isa,
    tiles: Range<usize>,
    target: Target,
}

impl<const D: usize, const H: usize, const W: usize> Job<'_, D, H, W> {
    fn run(&self) {
        let sources = self.pass.source_channels;
        let group = CHANNELS.min(self.pass.output_channels);
        let tiles = self.tiles.len();
        let column_step = self.columns() * sources + PAD;
        let steps = Steps {
            input: tiles * sources + PAD,
            products: tiles * group + PAD,
            lines: tiles * W * group + PAD,
            planes: tiles * H * W * group + PAD,
        };
        let lengths = [
            (D + 2) * (H + 2) * column_step,
            (W + 2) * steps.input,
            (W + 2) * steps.products,
            (H + 2) * steps.lines,
            (D + 2) * steps.planes,
        ];
        with_scratch(lengths.iter().sum(), |scratch| {
            let mut rest = scratch;
            let [columns, input, products, lines, planes] = lengths.map(|length| {
                let (part, after) = std::mem::take(&mut rest).split_at_mut(length);
                rest = after;
                part.as_mut_ptr()
            });
            let columns = Columns { values: columns, step: column_step, channels: sources };
            self.isa.run(First { job: self, to: columns });
            for first in (0..self.pass.output_channels).step_by(group) {
                let channels = first..(first + group).min(self.pass.output_channels);
                let room = Room { input, products, lines, planes };
                self.channels(columns, channels, room, &steps);
            }
        });
    }

    /// Columns of the input that the tiles read.
    fn columns(&self) -> usize {
        let mut tile = self.tiles.start;
        let mut columns = 0;
        while tile < self.tiles.end {
            let in_row = self.pass.grid.rest_of_row(tile).min(self.tiles.end - tile);
            columns += in_row * W + 2;
            tile += in_row;
        }
        columns
    }

    /// The outputs of some channels.
    fn channels(&self, columns: Columns, channels: Range<usize>, room: Room, steps: &Steps) {
        let count = channels.len();
        for i in 0..D + 2 {
            for j in 0..H + 2 {
                let plane = i * (H + 2) + j;
                let from = columns.values.wrapping_add(plane * columns.step);
                self.isa.run(Lines { job: self, from, to: room.input, step: steps.input });
                self.isa.run(Multiply {
                    weights: &self.pass.weights,
                    frequencies: plane * (W + 2)..(plane + 1) * (W + 2),
                    sources: self.pass.source_channels,
                    channels: channels.clone(),
                    tiles: self.tiles.len(),
                    input: room.input,
                    input_step: steps.input,
                    products: Products { values: room.products, frequency_step: steps.products, tile_step: count },
                });
                let from = Stack { values: room.products, step: steps.products };
                let to = room.lines.wrapping_add(j * steps.lines);
                self.isa.run(Back::<W> { tiles: self.tiles.len(), values: count, from, to, along_width: true });
            }
            let from = Stack { values: room.lines, step: steps.lines };
            let to = room.planes.wrapping_add(i * steps.planes);
            self.isa.run(Back::<H> { tiles: self.tiles.len(), values: W * count, from, to, along_width: false });
        }
        let from = Stack { values: room.planes, step: steps.planes };
        self.isa.run(Last { job: self, channels, from });
    }
}

/// Distances of neighbouring frequencies.
struct Steps {
    input: usize,
    products: usize,
    lines: usize,
    planes: usize,
}

/// Where the steps leave their results.
#[derive(Clone, Copy)]
struct Room {
    input: *mut f32,
    products: *mut f32,
    lines: *mut f32,
    planes: *mut f32,
}

/// Input along depth and height.
struct First<'a, const D: usize, const H: usize, const W: usize> {
    job: &'a Job<'a, D, H, W>,
    to: Columns,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for First<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { pass, tiles, .. } = self.job;
        let Pass { grid, source, source_channels, .. } = pass;
        // SAFETY: the scratch has room for the columns; the channels are a multiple of `BLOCK`.
        unsafe { input_columns::<S, D, H, W>(simd, grid, source, 0..*source_channels, tiles.clone(), self.to) };
    }
}

/// One plane of the input along width.
struct Lines<'a, const D: usize, const H: usize, const W: usize> {
    job: &'a Job<'a, D, H, W>,
    from: *const f32,
    to: *mut f32,
    step: usize,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Lines<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { pass, tiles, .. } = self.job;
        // SAFETY: the scratch holds the plane and has room for the frequencies of the tiles.
        unsafe {
            input_lines::<S, W>(simd, &pass.grid, pass.source_channels, tiles.clone(), self.from, self.to, self.step);
        }
    }
}

/// Products back along width, or lines along height.
struct Back<const M: usize> {
    tiles: usize,
    /// Of a tile and frequency.
    values: usize,
    from: Stack,
    to: *mut f32,
    along_width: bool,
}

impl<const M: usize> Kernel for Back<M> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: the scratch holds all frequencies of the tiles, whole blocks of channels, and has room for the result.
        unsafe {
            if self.along_width {
                output_lines::<S, M>(simd, self.tiles, self.values, self.from, self.to);
            } else {
                output_planes::<S, M>(simd, self.tiles, self.values, self.from, self.to);
            }
        }
    }
}

/// Planes back along depth, to the map.
struct Last<'a, const D: usize, const H: usize, const W: usize> {
    job: &'a Job<'a, D, H, W>,
    channels: Range<usize>,
    from: Stack,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Last<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { pass, tiles, target, .. } = self.job;
        let channels = self.channels.len();
        for (index, tile) in tiles.clone().enumerate() {
            let mut channel = self.channels.start;
            while channel < self.channels.end.min(target.all_channels()) {
                let values = self.from.values.wrapping_add(index * H * W * channels + channel - self.channels.start);
                // SAFETY: planes hold whole vectors of channels, and a map the first channel of each; the tiles are this
                // job's alone.
                unsafe {
                    let to = target.vector(tile, channel, simd.load(pass.bias.as_ptr().add(channel)));
                    let from = Stack { values, ..self.from };
                    output_depth::<S, D, H, W>(simd, &pass.grid, tile, channels, from, to);
                }
                channel += S::LANES;
            }
        }
        fence();
    }
}
