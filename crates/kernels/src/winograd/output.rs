//! Products of a tile to output voxels.

use std::mem::MaybeUninit;
use std::ops::Range;

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
}

impl Target {
    /// The first voxel's value of a channel, and the distance of neighbouring voxels.
    #[inline(always)]
    pub fn at(&self, channel: usize) -> (*mut f32, usize) {
        let [first, second] = self.channels;
        if channel < first {
            (self.maps[0].pointer().wrapping_add(channel), first)
        } else {
            (self.maps[1].pointer().wrapping_add(channel - first), second)
        }
    }
}

/// `At m` along all axes, plus `bias` or, where there is none, what the map holds; stores the voxels that are inside the
/// map.
///
/// # Safety
/// `map` must point to the vector's first channel in the grid's output map, whose voxels have `channels` values.
#[inline(always)]
pub(super) unsafe fn output_tiles<S: Simd, const D: usize, const H: usize, const W: usize>(
    simd: S,
    grid: &Grid,
    products: Products,
    tiles: Range<usize>,
    bias: Option<S::V>,
    map: *mut f32,
    channels: usize,
) {
    let [depth, height, width] = grid.output;
    let mut first: MaybeUninit<[[[S::V; 6]; 6]; 4]> = MaybeUninit::uninit();
    let first: *mut S::V = first.as_mut_ptr().cast();
    let mut second: MaybeUninit<[[[S::V; 6]; 4]; 4]> = MaybeUninit::uninit();
    let second: *mut S::V = second.as_mut_ptr().cast();
    for (index, tile) in tiles.enumerate() {
        let place = grid.place(tile);
        let [d0, h0, w0] = place.start;
        // SAFETY: all frequencies of the tile are readable; scratch is written before it is read, at
        // `first[d][frequency of w][frequency of h]` and `second[d][h][frequency of w]`; stores stay in the map.
        unsafe {
            let values = products.values.add(index * products.tile_step);
            for j in 0..H + 2 {
                for k in 0..W + 2 {
                    let frequency = j * (W + 2) + k;
                    let line = samples!(D, simd, I => {
                        simd.load(values.add((I * (H + 2) * (W + 2) + frequency) * products.frequency_step))
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
            for i in 0..D.min(depth - d0) {
                for j in 0..H.min(height - h0) {
                    let line = samples!(W, simd, K => *second.add((i * 4 + j) * 6 + K));
                    let line = output::<S, W>(simd, line);
                    let voxel = ((place.image * depth + d0 + i) * height + h0 + j) * width + w0;
                    let row = map.add(voxel * channels);
                    for_each_index!(W, K => if K < width - w0 {
                        let voxel = row.add(K * channels);
                        let start = match bias {
                            Some(bias) => bias,
                            None => simd.load(voxel),
                        };
                        simd.store(voxel, simd.add(line[K], start));
                    });
                }
            }
        }
    }
}
