//! The transform of products to output voxels in three steps: lines along width, planes along height, tiles along depth.
//!
//! Each step is done as soon as there are products for it, while they are in a cache, and leaves two thirds of the values
//! that it reads (with tiles of 4).

use super::grid::Grid;
use super::output::{MOMENTS, Voxels};
use super::transform::{for_each_index, output, samples};
use crate::simd::Simd;

/// Values of some tiles at the frequencies, along one axis, that a step takes back: `[frequency][tile][entry][channels]`.
#[derive(Clone, Copy)]
pub(super) struct Stack {
    pub values: *mut f32,
    /// Distance of neighbouring frequencies.
    pub step: usize,
}

/// `At m` along width: products `[frequency][tile][channels]` to `[tile][W][channels]`.
///
/// # Safety
/// `from` must hold `W + 2` frequencies of the tiles and channels, whole vectors, and `to` have room for them.
#[inline(always)]
pub(super) unsafe fn output_lines<S: Simd, const W: usize>(
    simd: S,
    tiles: usize,
    channels: usize,
    from: Stack,
    to: *mut f32,
) {
    for tile in 0..tiles {
        let mut channel = 0;
        while channel < channels {
            // SAFETY: the caller's promise.
            unsafe {
                let from_tile = from.values.add(tile * channels + channel);
                let line = samples!(W, simd, K => simd.load(from_tile.add(K * from.step)));
                let line = output::<S, W>(simd, line);
                let to = to.add(tile * W * channels + channel);
                for_each_index!(W, K => simd.store(to.add(K * channels), line[K]));
            }
            channel += S::LANES;
        }
    }
}

/// `At m` along height: lines `[frequency][tile][W][channels]` to `[tile][H][W][channels]`.
///
/// # Safety
/// `from` must hold `H + 2` frequencies of the tiles' lines of `values` numbers, whole vectors, and `to` have room.
#[inline(always)]
pub(super) unsafe fn output_planes<S: Simd, const H: usize>(
    simd: S,
    tiles: usize,
    values: usize,
    from: Stack,
    to: *mut f32,
) {
    for tile in 0..tiles {
        let mut value = 0;
        while value < values {
            // SAFETY: the caller's promise.
            unsafe {
                let from_tile = from.values.add(tile * values + value);
                let line = samples!(H, simd, J => simd.load(from_tile.add(J * from.step)));
                let line = output::<S, H>(simd, line);
                let to = to.add(tile * H * values + value);
                for_each_index!(H, J => simd.store(to.add(J * values), line[J]));
            }
            value += S::LANES;
        }
    }
}

/// `At m` along depth of one tile and vector of channels, plus the bias; stores the voxels that are inside the map, and
/// their moments.
///
/// # Safety
/// `to` must be a vector of channels of the grid's output map, and `from` hold `D + 2` frequencies of the tile's planes
/// `[H][W][channels]` from the vector on.
#[inline(always)]
pub(super) unsafe fn output_depth<S: Simd, const D: usize, const H: usize, const W: usize>(
    simd: S,
    grid: &Grid,
    tile: usize,
    channels: usize,
    from: Stack,
    to: Voxels<S>,
) {
    let [depth, height, width] = grid.output;
    let place = grid.place(tile);
    let [d0, h0, w0] = place.start;
    let mut sums = [simd.zero(); MOMENTS];
    for j in 0..H.min(height - h0) {
        for k in 0..W.min(width - w0) {
            // SAFETY: the caller's promise; voxels outside the map are left out.
            unsafe {
                let entry = from.values.add((j * W + k) * channels);
                let line = samples!(D, simd, I => simd.load(entry.add(I * from.step)));
                let line = output::<S, D>(simd, line);
                let voxel = ((place.image * depth + d0) * height + h0 + j) * width + w0 + k;
                let first = to.map.add(voxel * to.step);
                for_each_index!(D, I => if I < depth - d0 {
                    let voxel = first.add(I * height * width * to.step);
                    to.write(simd, voxel, line[I], I == 0 && j == 0 && k == 0, &mut sums);
                });
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { to.write_moments(simd, sums) };
}
