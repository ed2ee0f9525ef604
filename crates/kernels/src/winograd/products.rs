//! The products of Winograd's algorithm: for each frequency a matrix of tiles by channels.

use std::ops::Range;

use super::output::Products;
use super::weights::{Frequencies, SLAB};
use crate::simd::{Kernel, Simd};
use crate::tile::{Strided, add_run, tile_size, with_tile_size};

/// `products[tile][channel] = sum over sources of input[tile][source] * weight`, of some frequencies and channels.
///
/// [`crate::tile::row`] does the same for any runs of values; here each product is so short (16 tiles of 32 channels) that
/// lists of runs would take a tenth of the time.
pub(super) struct Multiply<'a> {
    pub weights: &'a Frequencies<'a>,
    pub frequencies: Range<usize>,
    /// In whole blocks, as all channels here.
    pub sources: usize,
    pub channels: Range<usize>,
    pub tiles: usize,
    /// Of the first frequency, `[tile][source]`.
    pub input: *const f32,
    /// Distance of neighbouring frequencies.
    pub input_step: usize,
    /// Of the first frequency and channel.
    pub products: Products,
}

impl Kernel for Multiply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (index, frequency) in self.frequencies.clone().enumerate() {
            let input = self.input.wrapping_add(index * self.input_step);
            let mut channel = self.channels.start;
            while channel < self.channels.end {
                let is_pair = self.channels.end - channel > S::LANES;
                let offset = index * self.products.frequency_step + channel - self.channels.start;
                let mut tile = 0;
                while tile < self.tiles {
                    let size = tile_size::<S>(self.tiles - tile);
                    let x = input.wrapping_add(tile * self.sources);
                    let y = self.products.values.wrapping_add(offset + tile * self.products.tile_step);
                    // SAFETY: input and products hold all tiles of these frequencies and channels.
                    unsafe {
                        if is_pair {
                            with_tile_size!(size, some_tiles::<S, 2>(simd, &self, frequency, channel, x, y));
                        } else {
                            with_tile_size!(size, some_tiles::<S, 1>(simd, &self, frequency, channel, x, y));
                        }
                    }
                    tile += size;
                }
                channel += if is_pair { 2 * S::LANES } else { S::LANES };
            }
        }
    }
}

/// The products of `R` tiles, the first one's input and products at `x` and `y`, for `N` vectors of channels.
///
/// # Safety
/// `x` and `y` must be valid for so many tiles.
#[inline(always)]
unsafe fn some_tiles<S: Simd, const R: usize, const N: usize>(
    simd: S,
    task: &Multiply,
    frequency: usize,
    channel: usize,
    x: *const f32,
    y: *mut f32,
) {
    let second = task.weights.second::<S>();
    let mut sums = [[simd.zero(); N]; R];
    for first in (0..task.sources).step_by(SLAB) {
        let len = SLAB.min(task.sources - first);
        let x = Strided { first: x.wrapping_add(first), step: task.sources };
        let weights = Strided { first: task.weights.at(channel, first, frequency), step: second };
        // SAFETY: every tile has `sources` values, and the slab as many groups of weights, for whole blocks of channels.
        unsafe { add_run(simd, len, x, weights, &mut sums) };
    }
    for r in 0..R {
        for n in 0..N {
            // SAFETY: the caller's promise.
            unsafe { simd.store(y.add(r * task.products.tile_step + n * S::LANES), sums[r][n]) };
        }
    }
}
