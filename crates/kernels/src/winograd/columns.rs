//! The transforms of the fused forward pass and of the weight gradient in two steps: columns of voxels along depth and height,
//! then lines of columns along width.
//!
//! Between the steps there are `(D + 2) * (H + 2)` values per column, two thirds of the frequencies that they become
//! (with tiles of 4 along width), and the second step makes few frequencies at a time, which are used at once.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::grid::Grid;
use super::input::Source;
use super::transform::{for_each_index, gradient, input, samples};
use crate::conv::Part;
use crate::instance_norm::Lanes;
use crate::simd::{Simd, prefetch_to_second_level};

/// How many columns ahead voxels are fetched into the second-level cache: there are more rows than the processor follows by
/// itself. Not into the first level, where the rows of a map, a power of two apart as a rule, fall into the same few sets
/// and throw each other out before they are read (measured: twice as slow).
const AHEAD: usize = 6;

/// Columns of a run of tiles that have been transformed along depth and height: `[plane][column][channels]`, a plane
/// being one pair of frequencies. Each row of tiles has as many columns as its tiles read or cover.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub values: *mut f32,
    /// Distance of neighbouring planes.
    pub step: usize,
    /// Of a column.
    pub channels: usize,
}

/// `Bt d` along depth and height of the columns that the tiles read of `channels`, whole blocks, of `source`.
///
/// # Safety
/// `source` must be that of the grid, and `to` have room for all columns.
#[inline(always)]
pub(super) unsafe fn input_columns<S: Simd, const D: usize, const H: usize, const W: usize>(
    simd: S,
    grid: &Grid,
    source: &Source,
    channels: Range<usize>,
    tiles: Range<usize>,
    to: Columns,
) {
    let mut to = to;
    for (part, of_part) in source.parts_of(channels) {
        let (zeros, tiles, count) = (source.zeros(), tiles.clone(), of_part.len());
        // SAFETY: the maps have the grid's voxels, as was checked when the source was made; `to` is the caller's promise.
        unsafe {
            match part.norm {
                Some(_) => part_columns::<S, D, H, W, true>(simd, grid, part, zeros, of_part, tiles, to),
                None => part_columns::<S, D, H, W, false>(simd, grid, part, zeros, of_part, tiles, to),
            }
        }
        to.values = to.values.wrapping_add(count);
    }
}

/// The columns of some channels of one map of the source.
///
/// # Safety
/// The map must have the grid's voxels, a norm where one is `PENDING`, `zeros` a row of
/// them, and `to` room for all columns.
#[inline(always)]
unsafe fn part_columns<S: Simd, const D: usize, const H: usize, const W: usize, const PENDING: bool>(
    simd: S,
    grid: &Grid,
    part: &Part,
    zeros: &[f32],
    of_part: Range<usize>,
    tiles: Range<usize>,
    to: Columns,
) {
    let [depth, height, width] = grid.source;
    let mut plane: MaybeUninit<[[S::V; 6]; 6]> = MaybeUninit::uninit();
    let plane: *mut S::V = plane.as_mut_ptr().cast();
    let mut tile = tiles.start;
    let mut target = to.values;
    while tile < tiles.end {
        let in_row = grid.rest_of_row(tile).min(tiles.end - tile);
        let place = grid.place(tile);
        let mut rows = [zeros.as_ptr(); 36];
        let mut inside = [false; 36];
        for i in 0..D + 2 {
            for j in 0..H + 2 {
                let d = (place.start[0] + i).wrapping_sub(grid.padding[0]);
                let h = (place.start[1] + j).wrapping_sub(grid.padding[1]);
                if d < depth && h < height {
                    let row = ((place.image * depth + d) * height + h) * width * part.channels;
                    rows[i * 6 + j] = part.map[row..].as_ptr();
                    inside[i * 6 + j] = true;
                }
            }
        }
        let columns = in_row * W + 2;
        let mut first = of_part.start;
        while first < of_part.end {
            let vectors = if of_part.end - first > S::LANES { 2 } else { 1 };
            let mut norms = [Lanes::none(simd); 2];
            if let (true, Some(pending)) = (PENDING, part.norm) {
                for vector in 0..vectors {
                    let channel = first + vector * S::LANES;
                    let count = part.channels.saturating_sub(channel);
                    // SAFETY: so many channels exist; beyond the last one there is no norm.
                    norms[vector] = unsafe { pending.lanes(simd, place.image, channel.min(part.channels), count) };
                }
            }
            for column in 0..columns {
                let w = (place.start[2] + column).wrapping_sub(grid.padding[2]);
                for vector in 0..vectors {
                    let channel = first + vector * S::LANES;
                    let count = part.channels.saturating_sub(channel);
                    let norm = norms[vector];
                    // SAFETY: row pointers are valid for columns inside the map and all channels, `to` for all columns;
                    // the plane is written, at `[frequency of d][h]`, before it is read.
                    unsafe {
                        let target = target.add(column * to.channels + channel - of_part.start);
                        if w >= width || count == 0 {
                            for k in 0..(D + 2) * (H + 2) {
                                simd.store(target.add(k * to.step), simd.zero());
                            }
                            continue;
                        }
                        let offset = w * part.channels + channel;
                        for j in 0..H + 2 {
                            let line = samples!(D, simd, I => {
                                let from = rows[I * 6 + j].wrapping_add(offset);
                                prefetch_to_second_level(from.wrapping_add(AHEAD * part.channels));
                                let value = simd.load_first(from, count);
                                if PENDING && inside[I * 6 + j] {
                                    norm.activated(simd, norm.normalised(simd, value))
                                } else {
                                    value
                                }
                            });
                            let line = input::<S, D>(simd, line);
                            for_each_index!(D + 2, I => *plane.add(I * 6 + j) = line[I]);
                        }
                        for i in 0..D + 2 {
                            let line = samples!(H, simd, J => *plane.add(i * 6 + J));
                            let line = input::<S, H>(simd, line);
                            for_each_index!(H + 2, J => simd.store(target.add((i * (H + 2) + J) * to.step), line[J]));
                        }
                    }
                }
            }
            first += vectors * S::LANES;
        }
        target = target.wrapping_add(columns * to.channels);
        tile += in_row;
    }
}

/// `Bt d` along width of one plane of [`input_columns`]: to `[frequency][tile][channels]`, frequencies being `step` apart.
///
/// # Safety
/// As of [`input_columns`], of which `from` is a plane; `to` must have room for the tiles.
#[inline(always)]
pub(super) unsafe fn input_lines<S: Simd, const W: usize>(
    simd: S,
    grid: &Grid,
    channels: usize,
    tiles: Range<usize>,
    mut from: *const f32,
    mut to: *mut f32,
    step: usize,
) {
    let mut tile = tiles.start;
    while tile < tiles.end {
        let in_row = grid.rest_of_row(tile).min(tiles.end - tile);
        for _ in 0..in_row {
            let mut channel = 0;
            while channel < channels {
                // SAFETY: the plane holds these columns and `to` the tile.
                unsafe {
                    let line = samples!(W, simd, I => simd.load(from.add(I * channels + channel)));
                    let line = input::<S, W>(simd, line);
                    for_each_index!(W + 2, I => simd.store(to.add(I * step + channel), line[I]));
                }
                channel += S::LANES;
            }
            from = from.wrapping_add(W * channels);
            to = to.wrapping_add(channels);
        }
        from = from.wrapping_add(2 * channels);
        tile += in_row;
    }
}

/// `A y` along depth and height of the columns that the tiles cover, of some channels, whole blocks, of the output
/// gradients `map`.
///
/// # Safety
/// `map` must be the grid's output map of so many channels, and `to` have room for all columns.
#[inline(always)]
pub(super) unsafe fn gradient_columns<S: Simd, const D: usize, const H: usize, const W: usize>(
    simd: S,
    grid: &Grid,
    (map, channels): (*const f32, usize),
    of_map: Range<usize>,
    tiles: Range<usize>,
    to: Columns,
) {
    let [depth, height, width] = grid.output;
    let mut plane: MaybeUninit<[[S::V; 4]; 6]> = MaybeUninit::uninit();
    let plane: *mut S::V = plane.as_mut_ptr().cast();
    let mut tile = tiles.start;
    let mut target = to.values;
    while tile < tiles.end {
        let in_row = grid.rest_of_row(tile).min(tiles.end - tile);
        let place = grid.place(tile);
        let [d0, h0, w0] = place.start;
        let first_row = (place.image * depth + d0) * height + h0;
        for w in w0..w0 + in_row * W {
            let mut channel = of_map.start;
            while channel < of_map.end {
                // SAFETY: voxels inside the map and all channels exist, `to` has room for all columns; the plane is
                // written, at `[frequency of d][h]`, before it is read.
                unsafe {
                    let target = target.add(channel - of_map.start);
                    if w < width && channel < channels {
                        for j in 0..H {
                            let line = samples!(4, simd, I => {
                                if I < D && d0 + I < depth && h0 + j < height {
                                    let row = first_row + I * height + j;
                                    simd.load_first(map.add((row * width + w) * channels + channel), channels - channel)
                                } else {
                                    simd.zero()
                                }
                            });
                            let line = gradient::<S, D>(simd, line);
                            for_each_index!(D + 2, I => *plane.add(I * 4 + j) = line[I]);
                        }
                        for i in 0..D + 2 {
                            let line = samples!(4, simd, J => if J < H { *plane.add(i * 4 + J) } else { simd.zero() });
                            let line = gradient::<S, H>(simd, line);
                            for_each_index!(H + 2, J => simd.store(target.add((i * (H + 2) + J) * to.step), line[J]));
                        }
                    } else {
                        for k in 0..(D + 2) * (H + 2) {
                            simd.store(target.add(k * to.step), simd.zero());
                        }
                    }
                }
                channel += S::LANES;
            }
            target = target.wrapping_add(to.channels);
        }
        tile += in_row;
    }
}

/// `A y` along width of one plane of [`gradient_columns`], as [`input_lines`].
///
/// # Safety
/// As of [`gradient_columns`], of which `from` is a plane; `to` must have room for the tiles.
#[inline(always)]
pub(super) unsafe fn gradient_lines<S: Simd, const W: usize>(
    simd: S,
    channels: usize,
    tiles: usize,
    mut from: *const f32,
    mut to: *mut f32,
    step: usize,
) {
    for _ in 0..tiles {
        let mut channel = 0;
        while channel < channels {
            // SAFETY: the plane holds these columns and `to` the tile.
            unsafe {
                let line = samples!(4, simd, I => {
                    if I < W { simd.load(from.add(I * channels + channel)) } else { simd.zero() }
                });
                let line = gradient::<S, W>(simd, line);
                for_each_index!(W + 2, I => simd.store(to.add(I * step + channel), line[I]));
            }
            channel += S::LANES;
        }
        from = from.wrapping_add(W * channels);
        to = to.wrapping_add(channels);
    }
}
