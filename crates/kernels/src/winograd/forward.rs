//! The forward pass (and, with exchanged roles, the input gradient) by Winograd's algorithm.
//!
//! The three phases are kernels of their own: in one function, the constants of the transforms would occupy the
//! registers that the matrix product needs (measured: twice as slow).

use std::ops::Range;

use rayon::prelude::*;

use super::fused;
use super::grid::Grid;
use super::input::{self, Source, input_tiles};
use super::output::{MOMENTS, Products, Target, output_tile};
use super::products::Multiply;
use super::weights::Frequencies;
use super::{Convolved, blocks};
use crate::output::{Shared, filled_together, with_scratch};
use crate::simd::{Isa, Kernel, Simd, fence};
use crate::tile::BLOCK;

/// Frequencies are padded by a cache line, so that they do not fall into the same cache sets.
const PAD: usize = 16;
/// From so many pairs of channels on, the phases are run one after the other by all threads: the transformed weights
/// are then read once per batch instead of once per job.
const PHASED_PAIRS: usize = 256 * 128;
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
        assert!(channels[1] == 0 || !measures, "moments are those of one map");
        let voxels = self.grid.batch * self.grid.output.iter().product::<usize>();
        let lengths = channels.map(|channels| voxels * channels);
        let all = self.grid.tiles();
        let mut moments = vec![0.0f32; if measures { all * MOMENTS * channels[0] } else { 0 }];
        let room = Shared(if measures { moments.as_mut_ptr() } else { std::ptr::null_mut() });
        let target = |maps: [*mut f32; 2]| Target { maps: maps.map(Shared), channels, voxels, moments: room };
        // SAFETY: every voxel is in exactly one tile, every tile in one job, and the jobs write all channels.
        let maps = unsafe {
            filled_together(lengths, 1, |_, maps| {
                if self.source_channels * self.output_channels >= PHASED_PAIRS {
                    self.in_phases::<D, H, W>(isa, target(maps));
                } else {
                    fused::run::<D, H, W>(self, isa, target(maps));
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
                    isa.run(Input::<D, H, W> { pass: self, tiles, to });
                });
                (0..frequencies).into_par_iter().with_max_len(1).for_each(|frequency| {
                    let values = products.pointer().wrapping_add(frequency * frequency_step);
                    isa.run(Multiply {
                        weights: &self.weights,
                        frequencies: frequency..frequency + 1,
                        sources,
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
                    isa.run(Output::<D, H, W> { pass: self, tiles, products, target });
                });
            }
        });
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
        let Pass { grid, source, source_channels, .. } = self.pass;
        // SAFETY: the scratch has room for the tiles; the channels are a multiple of `BLOCK`.
        unsafe { input_tiles::<S, D, H, W>(simd, grid, source, 0..*source_channels, self.tiles, self.to) }
    }
}

/// Third phase of some tiles.
struct Output<'a, const D: usize, const H: usize, const W: usize> {
    pass: &'a Pass<'a>,
    tiles: Range<usize>,
    /// Of the first tile and channel.
    products: Products,
    target: Target,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Output<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // Tile by tile, as two vectors share the cache lines of a tile's products.
        for (index, tile) in self.tiles.clone().enumerate() {
            let mut channel = 0;
            while channel < self.target.all_channels() {
                // SAFETY: products hold whole vectors of channels, and a map the first channel of each; the tiles are this
                // job's alone.
                unsafe {
                    let offset = index * self.products.tile_step + channel;
                    let products = Products { values: self.products.values.add(offset), ..self.products };
                    let bias = simd.load(self.pass.bias.as_ptr().add(channel));
                    let to = self.target.vector(tile, channel, bias);
                    output_tile::<S, D, H, W>(simd, &self.pass.grid, products, tile, to);
                }
                channel += S::LANES;
            }
        }
        fence();
    }
}
