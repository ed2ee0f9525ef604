//! Products of a tile to output voxels.

use std::mem::MaybeUninit;

use super::grid::Grid;
use super::transform::{for_each_index, output, samples};
use crate::output::{Shared, store, streams};
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
    /// Voxels of a map.
    pub voxels: usize,
    /// Room for the moments of every tile, `[tile][3][channels]`, of the first map; null where none are wanted.
    pub moments: Shared,
}

impl Target {
    /// Channels of both maps.
    pub fn all_channels(&self) -> usize {
        self.channels[0] + self.channels[1]
    }

    /// The vector of channels that begins with `channel`, to take a tile; `bias` is added to it.
    #[inline(always)]
    pub fn vector<S: Simd>(&self, tile: usize, channel: usize, bias: S::V) -> Voxels<S> {
        let (room, of_first) = (self.moments.pointer(), self.channels[0]);
        let moments = (!room.is_null()).then(|| (room.wrapping_add(tile * MOMENTS * of_first + channel), of_first));
        let is_second = channel >= of_first && self.channels[1] > 0;
        let (index, before) = if is_second { (1, of_first) } else { (0, 0) };
        let (map, step) = (self.maps[index].pointer(), self.channels[index]);
        Voxels {
            map: map.wrapping_add(channel - before),
            step,
            count: step.saturating_sub(channel - before),
            bias,
            streams: streams::<S>(self.voxels * step, map, step),
            moments,
        }
    }
}

/// Of the values of a tile and channel: the first one, and the sums of the differences from it and of their squares.
pub(super) const MOMENTS: usize = 3;

/// A vector of channels of a map, and where of it a tile goes.
#[derive(Clone, Copy)]
pub(super) struct Voxels<S: Simd> {
    /// Of the first voxel.
    pub map: *mut f32,
    /// Distance of neighbouring voxels.
    pub step: usize,
    /// Channels that the map has from here on; lanes beyond them are not written.
    pub count: usize,
    bias: S::V,
    /// Whether they go past the caches.
    streams: bool,
    /// Where the [`MOMENTS`] of the tile go, and their distance.
    moments: Option<(*mut f32, usize)>,
}

impl<S: Simd> Voxels<S> {
    /// Writes a value of the tile, and adds it to the `sums` of its [`MOMENTS`].
    ///
    /// # Safety
    /// `voxel` must be one of the map, from this vector of channels on.
    #[inline(always)]
    pub unsafe fn write(&self, simd: S, voxel: *mut f32, value: S::V, is_first: bool, sums: &mut [S::V; MOMENTS]) {
        let value = simd.add(value, self.bias);
        // SAFETY: the caller's promise; only aligned vectors of whole channels are streamed.
        unsafe { store(simd, self.streams, voxel, value, self.count) };
        if self.moments.is_some() {
            let [shift, sum, squares] = sums;
            if is_first {
                *shift = value;
            }
            let difference = simd.sub(value, *shift);
            *sum = simd.add(*sum, difference);
            *squares = simd.fma(difference, difference, *squares);
        }
    }

    /// Writes the moments of the tile.
    ///
    /// # Safety
    /// There must be room for them where the target says.
    #[inline(always)]
    pub unsafe fn write_moments(&self, simd: S, sums: [S::V; MOMENTS]) {
        if let Some((moments, step)) = self.moments {
            for (index, sum) in sums.into_iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { simd.store_first(moments.add(index * step), sum, self.count) };
            }
        }
    }
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
        let mut sums = [simd.zero(); MOMENTS];
        for i in 0..D.min(depth - d0) {
            for j in 0..H.min(height - h0) {
                let line = samples!(W, simd, K => *second.add((i * 4 + j) * 6 + K));
                let line = output::<S, W>(simd, line);
                let voxel = ((place.image * depth + d0 + i) * height + h0 + j) * width + w0;
                let row = to.map.add(voxel * to.step);
                for_each_index!(W, K => if K < width - w0 {
                    to.write(simd, row.add(K * to.step), line[K], i == 0 && j == 0 && K == 0, &mut sums);
                });
            }
        }
        to.write_moments(simd, sums);
    }
}
