//! Products of a tile to output voxels.

use std::mem::MaybeUninit;

use super::grid::Grid;
use super::transform::{for_each_index, output, samples};
use crate::output::Shared;
use crate::simd::Simd;

/// Products of some tiles for one vector of channels: `[frequency][tile]`, with these distances.
#[derive(Clone, Copy)]
pub(super) struct Products {
    pub values: *mut f32,
    pub frequency_step: usize,
    pub tile_step: usize,
}

/// Where a pass writes: the first so many channels to one map, the others to another.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// First voxels.
    pub maps: [Shared; 2],
    /// Channels of the two maps.
    pub channels: [usize; 2],
    /// Room for the moments of every tile, `[tile][3][channels]`, of the first map; null where none are wanted.
    pub moments: Shared,
}

impl Target {
    /// The first voxel's value of a channel, the distance of neighbouring voxels, and how many channels there are from it on.
    #[inline(always)]
    pub fn at(&self, channel: usize) -> (*mut f32, usize, usize) {
        let [first, second] = self.channels;
        if channel < first || second == 0 {
            (self.maps[0].pointer().wrapping_add(channel), first, first.saturating_sub(channel))
        } else {
            let channel = channel - first;
            (self.maps[1].pointer().wrapping_add(channel), second, second.saturating_sub(channel))
        }
    }

    /// The same maps, of values that are not final.
    pub fn unmeasured(self) -> Self {
        Self { moments: Shared(std::ptr::null_mut()), ..self }
    }

    /// Room for the moments of a channel of a tile, and their distance.
    #[inline(always)]
    pub fn moments_at(&self, tile: usize, channel: usize) -> Option<(*mut f32, usize)> {
        let (room, step) = (self.moments.pointer(), self.channels[0]);
        (!room.is_null()).then(|| (room.wrapping_add(tile * MOMENTS * step + channel), step))
    }
}

/// Of the values of a tile and channel: the first one, and the sums of the differences from it and of their squares.
pub(super) const MOMENTS: usize = 3;

/// A vector of channels of a map.
#[derive(Clone, Copy)]
pub(super) struct Voxels<S: Simd> {
    /// Of the first voxel.
    pub map: *mut f32,
    /// Distance of neighbouring voxels.
    pub step: usize,
    /// Channels that the map has from here on; lanes beyond them are not written.
    pub count: usize,
    /// What is added to every voxel; where there is nothing, what the map holds.
    pub bias: Option<S::V>,
    /// Where the [`MOMENTS`] of the tile go, and their distance.
    pub moments: Option<(*mut f32, usize)>,
}

/// `At m` along all axes of a tile, plus the bias; stores the voxels that are inside the map, and their moments.
///
/// # Safety
/// `to` must be a vector of channels of the grid's output map, and `products` hold all frequencies of the tile.
#[inline(always)]
pub(super) unsafe fn output_tile<S: Simd, const D: usize, const H: usize, const W: usize>(
    simd: S,
    grid: &Grid,
    products: Products,
    tile: usize,
    to: Voxels<S>,
) {
    let [depth, height, width] = grid.output;
    let mut first: MaybeUninit<[[[S::V; 6]; 6]; 4]> = MaybeUninit::uninit();
    let first: *mut S::V = first.as_mut_ptr().cast();
    let mut second: MaybeUninit<[[[S::V; 6]; 4]; 4]> = MaybeUninit::uninit();
    let second: *mut S::V = second.as_mut_ptr().cast();
    let place = grid.place(tile);
    let [d0, h0, w0] = place.start;
    // SAFETY: all frequencies of the tile are readable; scratch is written before it is read, at
    // `first[d][frequency of w][frequency of h]` and `second[d][h][frequency of w]`; stores stay in the map.
    unsafe {
        for j in 0..H + 2 {
            for k in 0..W + 2 {
                let frequency = j * (W + 2) + k;
                let line = samples!(D, simd, I => {
                    simd.load(products.values.add((I * (H + 2) * (W + 2) + frequency) * products.frequency_step))
                });
                let line = output::<S, D>(simd, line);
                for_each_index!(D, I => *first.add((I * 6 + k) * 6 + j) = line[I]);
            }
        }
        for i in 0..D {
            for k in 0..W + 2 {
                let line = samples!(H, simd, J => *first.add((i * 6 + k) * 6 + J));
                let line = output::<S, H>(simd, line);
                for_each_index!(H, J => *second.add((i * 4 + J) * 6 + k) = line[J]);
            }
        }
        let (mut shift, mut sum, mut squares) = (simd.zero(), simd.zero(), simd.zero());
        for i in 0..D.min(depth - d0) {
            for j in 0..H.min(height - h0) {
                let line = samples!(W, simd, K => *second.add((i * 4 + j) * 6 + K));
                let line = output::<S, W>(simd, line);
                let voxel = ((place.image * depth + d0 + i) * height + h0 + j) * width + w0;
                let row = to.map.add(voxel * to.step);
                for_each_index!(W, K => if K < width - w0 {
                    let voxel = row.add(K * to.step);
                    let start = match to.bias {
                        Some(bias) => bias,
                        None => simd.load_first(voxel, to.count),
                    };
                    let value = simd.add(line[K], start);
                    simd.store_first(voxel, value, to.count);
                    if to.moments.is_some() {
                        if i == 0 && j == 0 && K == 0 {
                            shift = value;
                        }
                        let difference = simd.sub(value, shift);
                        sum = simd.add(sum, difference);
                        squares = simd.fma(difference, difference, squares);
                    }
                });
            }
        }
        if let Some((moments, step)) = to.moments {
            simd.store_first(moments, shift, to.count);
            simd.store_first(moments.add(step), sum, to.count);
            simd.store_first(moments.add(2 * step), squares, to.count);
        }
    }
}
