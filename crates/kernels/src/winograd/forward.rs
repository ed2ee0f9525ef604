//! The forward pass (and, with exchanged roles, the input gradient) by Winograd's algorithm.
//!
//! The three phases are kernels of their own: in one function, the constants of the transforms would occupy the
//! registers that the matrix product needs (measured: twice as slow).

use std::ops::Range;

use rayon::prelude::*;

use super::fused;
use super::grid::Grid;
use super::input::{self, Source, input_tiles};
use super::output::{MOMENTS, Products, Target, Voxels, output_tile};
use super::weights::{Frequencies, SLAB};
use super::{Convolved, blocks};
use crate::output::{Shared, filled_together, with_scratch};
use crate::simd::{Isa, Kernel, Simd};
use crate::tile::{BLOCK, Row, Run, row};

/// Frequencies are padded by a cache line, so that they do not fall into the same cache sets.
const PAD: usize = 16;
/// From so many pairs of channels on, the phases are run one after the other by all threads: the transformed weights
/// are then read once per batch instead of once per job.
const PHASED_PAIRS: usize = 128 * 128;
/// Tiles of a batch in that case.
const BATCH_TILES: usize = 64;
/// Tiles of one job of a transform phase.
const TRANSFORM_TILES: usize = 4;

/// Operands of a pass.
pub(super) struct Pass<'a> {
    pub grid: Grid,
    pub source: &'a Source<'a>,
    /// In whole blocks, as all channels of a pass but those of the maps.
    pub source_channels: usize,
    pub output_channels: usize,
    pub weights: Frequencies<'a>,
    /// One value per output channel, zeros beyond those of the maps.
    pub bias: &'a [f32],
}

impl Pass<'_> {
    /// Computes the output, the first so many channels as one map and the others as another, and if wanted the moments of
    /// the first; `D * H * W` is the grid's tile.
    pub fn run<const D: usize, const H: usize, const W: usize>(
        &self,
        isa: Isa,
        channels: [usize; 2],
        measures: bool,
    ) -> Convolved {
        assert_eq!(blocks(channels[0] + channels[1]), self.output_channels, "parts do not make the output");
        assert!(channels[1] == 0 || channels[0].is_multiple_of(BLOCK), "parts are not whole blocks of channels");
        let voxels = self.grid.batch * self.grid.output.iter().product::<usize>();
        let lengths = channels.map(|channels| voxels * channels);
        let all = self.grid.tiles();
        let mut moments = vec![0.0f32; if measures { all * MOMENTS * channels[0] } else { 0 }];
        let room = Shared(if measures { moments.as_mut_ptr() } else { std::ptr::null_mut() });
        let target = |maps: [*mut f32; 2]| Target { maps: maps.map(Shared), channels, moments: room };
        // SAFETY: every voxel is in exactly one tile, every tile in one job, and the jobs write all channels.
        let maps = unsafe {
            filled_together(lengths, 1, |_, maps| {
                if self.source_channels * self.output_channels >= PHASED_PAIRS {
                    self.in_phases::<D, H, W>(isa, target(maps));
                } else {
                    fused::in_slabs::<D, H, W>(self, isa, target(maps));
                }
            })
        };
        let moments = measures.then(|| self.grid.moments(channels[0], &moments));
        Convolved { maps, moments }
    }

    /// One phase after the other, for a batch of tiles at a time.
    fn in_phases<const D: usize, const H: usize, const W: usize>(&self, isa: Isa, target: Target) {
        let (sources, outputs) = (self.source_channels, self.output_channels);
        let frequencies = self.grid.frequencies();
        let all = self.grid.tiles();
        let batch = BATCH_TILES.min(all);
        let (input_step, frequency_step) = (batch * sources + PAD, batch * outputs + PAD);
        with_scratch(frequencies * (input_step + frequency_step), |scratch| {
            let (input, products) = scratch.split_at_mut(frequencies * input_step);
            let (input, products) = (Shared(input.as_mut_ptr()), Shared(products.as_mut_ptr()));
            for start in (0..all).step_by(batch) {
                let count = batch.min(all - start);
                // First tile of the job in the batch, and the job's tiles.
                let tiles_of = |job: usize| {
                    let first = job * TRANSFORM_TILES;
                    (first, start + first..start + (first + TRANSFORM_TILES).min(count))
                };
                let jobs = 0..count.div_ceil(TRANSFORM_TILES);
                jobs.clone().into_par_iter().with_max_len(1).for_each(|job| {
                    let (first, tiles) = tiles_of(job);
                    let values = input.pointer().wrapping_add(first * sources);
                    let to = input::Frequencies { values, step: input_step, channels: sources };
                    isa.run(Input::<D, H, W> { pass: self, sources: 0..sources, tiles, to });
                });
                (0..frequencies).into_par_iter().with_max_len(1).for_each(|frequency| {
                    let values = products.pointer().wrapping_add(frequency * frequency_step);
                    isa.run(Multiply {
                        pass: self,
                        frequencies: frequency..frequency + 1,
                        sources: 0..sources,
                        channels: 0..outputs,
                        tiles: count,
                        input: input.pointer().wrapping_add(frequency * input_step),
                        input_step,
                        products: Products { values, frequency_step, tile_step: outputs },
                    });
                });
                jobs.into_par_iter().with_max_len(1).for_each(|job| {
                    let (first, tiles) = tiles_of(job);
                    let values = products.pointer().wrapping_add(first * outputs);
                    let products = Products { values, frequency_step, tile_step: outputs };
                    let channels = 0..outputs;
                    isa.run(Output::<D, H, W> { pass: self, tiles, channels, products, target });
                });
            }
        });
    }
}

/// First phase of some tiles and source channels.
struct Input<'a, const D: usize, const H: usize, const W: usize> {
    pass: &'a Pass<'a>,
    sources: Range<usize>,
    tiles: Range<usize>,
    to: input::Frequencies,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Input<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: the scratch has room for the tiles; the channels are a multiple of `BLOCK`.
        unsafe { input_tiles::<S, D, H, W>(simd, &self.pass.grid, self.pass.source, self.sources, self.tiles, self.to) }
    }
}

/// Second phase, `products[tile][channel] = sum over sources of input[tile][source] * weight`, of some frequencies and
/// channels.
pub(super) struct Multiply<'a> {
    pub pass: &'a Pass<'a>,
    pub frequencies: Range<usize>,
    pub sources: Range<usize>,
    pub channels: Range<usize>,
    pub tiles: usize,
    /// Of the first frequency.
    pub input: *const f32,
    pub input_step: usize,
    /// Of the first frequency and channel.
    pub products: Products,
}

impl Kernel for Multiply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let sources = self.sources.len();
        let zeros = [0.0f32; 2 * BLOCK];
        let mut runs = Vec::with_capacity(sources.div_ceil(SLAB));
        for (index, frequency) in self.frequencies.enumerate() {
            let input = self.input.wrapping_add(index * self.input_step);
            let first = self.pass.weights.at(0, self.sources.start, frequency);
            runs.clear();
            runs.extend(self.sources.clone().step_by(SLAB).map(|source| Run {
                x: input.wrapping_add(source - self.sources.start),
                weight: (self.pass.weights.at(0, source, frequency) as usize - first as usize) / size_of::<f32>(),
                len: SLAB.min(self.sources.end - source),
            }));
            let mut channel = self.channels.start;
            while channel < self.channels.end {
                let vectors = if self.channels.end - channel > S::LANES { 2 } else { 1 };
                let task = Row {
                    runs: &runs,
                    count: self.tiles,
                    x_step: sources,
                    y_step: self.products.tile_step,
                    weights: self.pass.weights.at(channel, self.sources.start, frequency),
                    second: self.pass.weights.second::<S>(),
                    bias: zeros.as_ptr(),
                    channels: vectors * S::LANES,
                };
                let offset = index * self.products.frequency_step + channel - self.channels.start;
                // SAFETY: input and products hold all tiles of these frequencies and channels, and the weights whole
                // blocks of channels.
                unsafe {
                    let products = self.products.values.add(offset);
                    if vectors == 2 { row::<S, 2>(simd, &task, products) } else { row::<S, 1>(simd, &task, products) }
                }
                channel += vectors * S::LANES;
            }
        }
    }
}

/// Third phase of some tiles and channels.
struct Output<'a, const D: usize, const H: usize, const W: usize> {
    pass: &'a Pass<'a>,
    tiles: Range<usize>,
    channels: Range<usize>,
    /// Of the first tile and channel.
    products: Products,
    target: Target,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Output<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // Tile by tile, as two vectors share the cache lines of a tile's products.
        for (index, tile) in self.tiles.clone().enumerate() {
            let mut channel = self.channels.start;
            while channel < self.channels.end {
                // SAFETY: products and maps hold these channels, whole vectors; the tiles are this job's alone.
                unsafe {
                    let offset = index * self.products.tile_step + channel - self.channels.start;
                    let products = Products { values: self.products.values.add(offset), ..self.products };
                    let bias = Some(simd.load(self.pass.bias.as_ptr().add(channel)));
                    let (map, step, count) = self.target.at(channel);
                    let moments = self.target.moments_at(tile, channel);
                    let to = Voxels { map, step, count, bias, moments };
                    output_tile::<S, D, H, W>(simd, &self.pass.grid, products, tile, to);
                }
                channel += S::LANES;
            }
        }
    }
}
