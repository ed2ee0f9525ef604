//! Tiles of a map to frequencies.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::blocks;
use super::grid::Grid;
use super::transform::{for_each_index, input, samples};
use crate::conv::{Input, Part};
use crate::instance_norm::{Lanes, NormShape};
use crate::simd::Simd;
use crate::tile::BLOCK;

/// Where the frequencies of some tiles go: `[frequency][tile][channels]`.
#[derive(Clone, Copy)]
pub(super) struct Frequencies {
    pub values: *mut f32,
    /// Distance of neighbouring frequencies.
    pub step: usize,
    pub channels: usize,
}

/// The maps that tiles read.
pub(super) struct Source<'a> {
    parts: Vec<Part<'a>>,
    /// One row of zeros, read in place of rows outside the map.
    zeros: Vec<f32>,
}

impl<'a> Source<'a> {
    /// The source map of `grid`.
    pub fn new(grid: &Grid, input: Input<'a>, channels: usize) -> Self {
        let parts = input.parts(&NormShape { batch: grid.batch, voxels: grid.source.iter().product(), channels });
        let whole = parts.iter().all(|part| part.channels.is_multiple_of(BLOCK));
        assert!(whole || parts.len() == 1, "joined channels are not whole blocks");
        Self { parts, zeros: vec![0.0; grid.source[2] * channels] }
    }

    /// The maps that have some of these channels, whole blocks, with which of their own they are; in whole blocks, too.
    #[inline(always)]
    pub fn parts_of(&self, channels: Range<usize>) -> impl Iterator<Item = (&Part<'a>, Range<usize>)> {
        let mut first = 0;
        self.parts.iter().filter_map(move |part| {
            let end = channels.end.saturating_sub(first).min(blocks(part.channels));
            let of_part = channels.start.saturating_sub(first)..end;
            first += blocks(part.channels);
            (!of_part.is_empty()).then_some((part, of_part))
        })
    }

    /// A row of zeros.
    pub fn zeros(&self) -> &[f32] {
        &self.zeros
    }
}

/// `Bt d` along all axes of the tiles `tiles` of `channels`, whole blocks, of `source`.
///
/// # Safety
/// `to` must have room for the tiles.
#[inline(always)]
pub(super) unsafe fn input_tiles<S: Simd, const D: usize, const H: usize, const W: usize>(
    simd: S,
    grid: &Grid,
    source: &Source,
    channels: Range<usize>,
    tiles: Range<usize>,
    to: Frequencies,
) {
    let mut to = to;
    for (part, of_part) in source.parts_of(channels) {
        let (zeros, tiles, count) = (&source.zeros, tiles.clone(), of_part.len());
        // SAFETY: the maps have the grid's voxels, as was checked when the source was made; `to` is the caller's promise.
        unsafe {
            match part.norm {
                Some(_) => part_tiles::<S, D, H, W, true>(simd, grid, part, zeros, of_part, tiles, to),
                None => part_tiles::<S, D, H, W, false>(simd, grid, part, zeros, of_part, tiles, to),
            }
        }
        to.values = to.values.wrapping_add(count);
    }
}

/// The frequencies of some channels of one map of the source.
///
/// The columns that neighbouring tiles of a row share are transformed along depth and height only once. A whole block
/// of channels is done at a time: its frequencies are whole cache lines, which are then written once.
///
/// # Safety
/// The map must have the grid's voxels, a norm where one is `PENDING`, `zeros` a row of
/// them, and `to` room for the tiles.
#[inline(always)]
unsafe fn part_tiles<S: Simd, const D: usize, const H: usize, const W: usize, const PENDING: bool>(
    simd: S,
    grid: &Grid,
    part: &Part,
    zeros: &[f32],
    of_part: Range<usize>,
    tiles: Range<usize>,
    to: Frequencies,
) {
    let channels = part.channels;
    let [depth, height, width] = grid.source;
    let vectors = BLOCK / S::LANES;
    let mut ring: MaybeUninit<[[[S::V; 36]; 2]; 6]> = MaybeUninit::uninit();
    let ring: *mut [[S::V; 36]; 2] = ring.as_mut_ptr().cast();
    let mut plane: MaybeUninit<[[S::V; 6]; 6]> = MaybeUninit::uninit();
    let plane: *mut [S::V; 6] = plane.as_mut_ptr().cast();
    let mut tile = tiles.start;
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
                    let row = ((place.image * depth + d) * height + h) * width * channels;
                    rows[i * 6 + j] = part.map[row..].as_ptr();
                    inside[i * 6 + j] = true;
                }
            }
        }
        let mut channel = of_part.start;
        while channel < of_part.end {
            // Of the two vectors of a block, if there are two; not in an array, which would be kept in memory.
            let (mut norm, mut second_norm) = (Lanes::none(simd), Lanes::none(simd));
            if let (true, Some(pending)) = (PENDING, part.norm) {
                // SAFETY: so many channels exist.
                unsafe {
                    norm = pending.lanes(simd, place.image, channel, channels - channel);
                    if vectors > 1 && channels > channel + S::LANES {
                        let first = channel + S::LANES;
                        second_norm = pending.lanes(simd, place.image, first, channels - first);
                    }
                }
            }
            let mut columns: [usize; 6] = [0, 1, 2, 3, 4, 5];
            for index in 0..in_row {
                let first = (place.start[2] + index * W).wrapping_sub(grid.padding[2]);
                let known = if index == 0 { 0 } else { 2 };
                for column in known..W + 2 {
                    let w = first.wrapping_add(column);
                    for vector in 0..vectors {
                        // SAFETY: row pointers are valid for columns inside the map and all channels; the ring and
                        // the plane are written before they are read.
                        unsafe {
                            let to = ring.add(columns[column]).cast::<[S::V; 36]>().add(vector).cast::<S::V>();
                            let count = channels.saturating_sub(channel + vector * S::LANES);
                            if w >= width || count == 0 {
                                for k in 0..(D + 2) * (H + 2) {
                                    *to.add(k) = simd.zero();
                                }
                                continue;
                            }
                            let offset = w * channels + channel + vector * S::LANES;
                            for j in 0..H + 2 {
                                let line = samples!(D, simd, I => {
                                    let value = simd.load_first(rows[I * 6 + j].add(offset), count);
                                    if PENDING && inside[I * 6 + j] {
                                        let norm = if vector == 0 { norm } else { second_norm };
                                        norm.activated(simd, norm.normalised(simd, value))
                                    } else {
                                        value
                                    }
                                });
                                let line = input::<S, D>(simd, line);
                                for_each_index!(D + 2, I => (*plane.add(I))[j] = line[I]);
                            }
                            for i in 0..D + 2 {
                                let line = samples!(H, simd, J => (*plane.add(i))[J]);
                                let line = input::<S, H>(simd, line);
                                for_each_index!(H + 2, J => *to.add(i * (H + 2) + J) = line[J]);
                            }
                        }
                    }
                }
                // SAFETY: all columns of this tile were written; `to` has room for the tile's frequencies.
                unsafe {
                    let target = to.values.add((tile - tiles.start + index) * to.channels + channel - of_part.start);
                    let columns = columns.map(|column| ring.add(column).cast::<S::V>());
                    for k in 0..(D + 2) * (H + 2) {
                        for vector in 0..vectors {
                            let line = samples!(W, simd, I => *columns[I].add(vector * 36 + k));
                            let line = input::<S, W>(simd, line);
                            let target = target.add(vector * S::LANES);
                            for_each_index!(W + 2, I => simd.store(target.add((k * (W + 2) + I) * to.step), line[I]));
                        }
                    }
                }
                // The last two columns are the next tile's first two.
                columns[..W + 2].rotate_left(W);
            }
            channel += BLOCK;
        }
        tile += in_row;
    }
}
