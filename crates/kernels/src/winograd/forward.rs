//! The forward pass (and, with exchanged roles, the input gradient) by Winograd's algorithm.

use std::ops::Range;

use rayon::prelude::*;

use super::grid::Grid;
use super::input::{self, input_tiles};
use super::output::{Products, output_tiles};
use super::weights::Frequencies;
use crate::output::{Shared, filled_anywhere, with_scratch};
use crate::simd::{Isa, Kernel, Simd};
use crate::tile::{BLOCK, Row, Run, row};

/// Tiles that a job carries through all three phases; their frequencies and products stay in a second-level cache.
const FUSED_TILES: usize = 8;
/// Frequencies are padded by a cache line, so that they do not fall into the same cache sets.
const PAD: usize = 16;
/// From so many pairs of channels on, the phases are run one after the other by all threads: the transformed weights
/// are then read once per batch instead of once per job.
const PHASED_PAIRS: usize = 128 * 64;
/// Tiles of a batch in that case.
const BATCH_TILES: usize = 64;
/// Tiles of one job of a transform phase.
const TRANSFORM_TILES: usize = 4;

/// Operands of a pass.
pub(super) struct Pass<'a> {
    pub grid: Grid,
    pub map: &'a [f32],
    pub source_channels: usize,
    pub output_channels: usize,
    pub weights: &'a Frequencies,
    /// One value per output channel.
    pub bias: &'a [f32],
}

impl Pass<'_> {
    /// Computes the output map; `D * H * W` is the grid's tile.
    pub fn run<const D: usize, const H: usize, const W: usize>(&self, isa: Isa) -> Vec<f32> {
        let voxels: usize = self.grid.output.iter().product();
        let len = self.grid.batch * voxels * self.output_channels;
        let tiles = self.grid.tiles();
        if self.source_channels * self.output_channels >= PHASED_PAIRS {
            // SAFETY: the one job writes all tiles.
            return unsafe { filled_anywhere(len, 1, |_, output| self.phases::<D, H, W>(isa, Shared(output))) };
        }
        let fill = |job: usize, output: *mut f32| {
            let tiles = job * FUSED_TILES..(job * FUSED_TILES + FUSED_TILES).min(tiles);
            let floats = tiles.len() * (self.source_channels + 2 * BLOCK) + 2 * PAD;
            with_scratch(self.grid.frequencies() * floats, |scratch| {
                isa.run(Fused::<D, H, W> { pass: self, tiles, scratch, output });
            });
        };
        // SAFETY: every voxel is in exactly one tile, every tile in one job, and a job writes all channels.
        unsafe { filled_anywhere(len, tiles.div_ceil(FUSED_TILES), fill) }
    }

    fn phases<const D: usize, const H: usize, const W: usize>(&self, isa: Isa, output: Shared) {
        let frequencies = self.grid.frequencies();
        let all = self.grid.tiles();
        let batch = BATCH_TILES.min(all);
        let input_step = batch * self.source_channels + PAD;
        let output_step = batch * self.output_channels + PAD;
        let mut input = Vec::<f32>::with_capacity(frequencies * input_step);
        let mut products = Vec::<f32>::with_capacity(frequencies * output_step);
        let (input, products) = (Shared(input.as_mut_ptr()), Shared(products.as_mut_ptr()));
        for start in (0..all).step_by(batch) {
            let end = (start + batch).min(all);
            let jobs = (end - start).div_ceil(TRANSFORM_TILES);
            let tiles_of = |job: usize| {
                let first = start + job * TRANSFORM_TILES;
                first..(first + TRANSFORM_TILES).min(end)
            };
            (0..jobs).into_par_iter().with_max_len(1).for_each(|job| {
                let tiles = tiles_of(job);
                let values = input.pointer().wrapping_add((tiles.start - start) * self.source_channels);
                let to = input::Frequencies { values, step: input_step, channels: self.source_channels };
                isa.run(Input::<D, H, W> { pass: self, tiles, to });
            });
            (0..frequencies).into_par_iter().with_max_len(1).for_each(|frequency| {
                let input = input.pointer().wrapping_add(frequency * input_step);
                let products = products.pointer().wrapping_add(frequency * output_step);
                isa.run(Multiply { pass: self, frequency, tiles: end - start, input, products });
            });
            (0..jobs).into_par_iter().with_max_len(1).for_each(|job| {
                let tiles = tiles_of(job);
                let values = products.pointer().wrapping_add((tiles.start - start) * self.output_channels);
                let products = Products { values, frequency_step: output_step, tile_step: self.output_channels };
                isa.run(Output::<D, H, W> { pass: self, tiles, products, output: output.pointer() });
            });
        }
    }

    /// `products[tile][channel] = sum over sources of input[tile][source] * weight` for `N` vectors of channels.
    ///
    /// # Safety
    /// `input` and `products` must hold `tiles` tiles, the latter `step` apart.
    #[inline(always)]
    unsafe fn multiply<S: Simd, const N: usize>(
        &self,
        simd: S,
        [channel, frequency, tiles]: [usize; 3],
        input: *const f32,
        products: *mut f32,
        step: usize,
    ) {
        let zeros = [0.0f32; 2 * BLOCK];
        let task = Row {
            runs: &[Run { x: input, weight: 0, len: self.source_channels }],
            count: tiles,
            x_step: self.source_channels,
            y_step: step,
            weights: self.weights.at(channel, frequency),
            second: self.weights.second::<S>(),
            bias: zeros.as_ptr(),
            channels: N * S::LANES,
        };
        // SAFETY: the caller's promise; weights exist for all sources and whole blocks of channels.
        unsafe { row::<S, N>(simd, &task, products) }
    }

    /// Vectors of output channels that are multiplied together from `channel` on.
    #[inline(always)]
    fn group<S: Simd>(&self, channel: usize) -> usize {
        if self.output_channels - channel > S::LANES { 2 } else { 1 }
    }
}

/// Some tiles, from map to map.
struct Fused<'a, const D: usize, const H: usize, const W: usize> {
    pass: &'a Pass<'a>,
    tiles: Range<usize>,
    scratch: &'a mut [f32],
    output: *mut f32,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Fused<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let pass = self.pass;
        let count = self.tiles.len();
        let frequencies = (D + 2) * (H + 2) * (W + 2);
        let step = count * pass.source_channels + PAD;
        let product_step = count * 2 * S::LANES + PAD;
        let input = self.scratch.as_mut_ptr();
        let products = input.wrapping_add(frequencies * step);
        let to = input::Frequencies { values: input, step, channels: pass.source_channels };
        // SAFETY: scratch holds the frequencies of all tiles and the products of two vectors of channels; the channel
        // counts are multiples of `BLOCK`.
        unsafe {
            input_tiles::<S, D, H, W>(simd, &pass.grid, pass.map.as_ptr(), self.tiles.clone(), to);
            let mut channel = 0;
            while channel < pass.output_channels {
                let vectors = pass.group::<S>(channel);
                let width = vectors * S::LANES;
                for frequency in 0..frequencies {
                    let input = input.add(frequency * step);
                    let products = products.add(frequency * product_step);
                    let at = [channel, frequency, count];
                    if vectors == 2 {
                        pass.multiply::<S, 2>(simd, at, input, products, width);
                    } else {
                        pass.multiply::<S, 1>(simd, at, input, products, width);
                    }
                }
                for vector in 0..vectors {
                    let values = products.add(vector * S::LANES);
                    let of_vector = Products { values, frequency_step: product_step, tile_step: width };
                    let bias = simd.load(pass.bias.as_ptr().add(channel + vector * S::LANES));
                    let output = self.output.add(channel + vector * S::LANES);
                    let tiles = self.tiles.clone();
                    output_tiles::<S, D, H, W>(simd, &pass.grid, of_vector, tiles, bias, output, pass.output_channels);
                }
                channel += width;
            }
        }
    }
}

/// First phase of some tiles.
struct Input<'a, const D: usize, const H: usize, const W: usize> {
    pass: &'a Pass<'a>,
    tiles: Range<usize>,
    to: input::Frequencies,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Input<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: the batch has room for its tiles; the channels are a multiple of `BLOCK`.
        unsafe { input_tiles::<S, D, H, W>(simd, &self.pass.grid, self.pass.map.as_ptr(), self.tiles, self.to) }
    }
}

/// Second phase of one frequency.
struct Multiply<'a> {
    pass: &'a Pass<'a>,
    frequency: usize,
    tiles: usize,
    input: *const f32,
    products: *mut f32,
}

impl Kernel for Multiply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let channels = self.pass.output_channels;
        let mut channel = 0;
        while channel < channels {
            let at = [channel, self.frequency, self.tiles];
            // SAFETY: the batch has room for the products of its tiles and all channels.
            unsafe {
                let products = self.products.add(channel);
                if self.pass.group::<S>(channel) == 2 {
                    self.pass.multiply::<S, 2>(simd, at, self.input, products, channels);
                } else {
                    self.pass.multiply::<S, 1>(simd, at, self.input, products, channels);
                }
            }
            channel += self.pass.group::<S>(channel) * S::LANES;
        }
    }
}

/// Third phase of some tiles.
struct Output<'a, const D: usize, const H: usize, const W: usize> {
    pass: &'a Pass<'a>,
    tiles: Range<usize>,
    products: Products,
    output: *mut f32,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Output<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let channels = self.pass.output_channels;
        let mut channel = 0;
        while channel < channels {
            // SAFETY: products and map hold all channels, a multiple of the lanes.
            unsafe {
                let of_vector = Products { values: self.products.values.add(channel), ..self.products };
                let bias = simd.load(self.pass.bias.as_ptr().add(channel));
                let (tiles, output) = (self.tiles.clone(), self.output.add(channel));
                output_tiles::<S, D, H, W>(simd, &self.pass.grid, of_vector, tiles, bias, output, channels);
            }
            channel += S::LANES;
        }
    }
}
