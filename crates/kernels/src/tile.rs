//! The register tiles that do nearly all arithmetic: some voxels of a row times one or two vectors of channels, and
//! its transpose, some values of each voxel times such vectors, summed over voxels.

use crate::output::store;
use crate::simd::{Simd, prefetch};

/// Output channels that are packed side by side.
pub(crate) const BLOCK: usize = 16;

/// How many source values ahead weights are fetched into the first-level cache: every line of them is used once per tile,
/// so that without it each waits for the second level (measured: 12 to 15 % of a whole convolution).
const AHEAD: usize = 32;

/// Consecutive source values (voxels of a row and their channels) and their weights.
pub(crate) struct Run {
    /// First value, for the first voxel of the output row.
    pub x: *const f32,
    /// Offset of the weights, `[len][BLOCK]`, from those of the row.
    pub weight: usize,
    pub len: usize,
}

/// One output row (or every n-th voxel of it) for a group of channels.
pub(crate) struct Row<'a> {
    pub runs: &'a [Run],
    /// Output voxels.
    pub count: usize,
    /// Distance of the source values of neighbouring output voxels.
    pub x_step: usize,
    /// Distance of neighbouring output voxels.
    pub y_step: usize,
    pub weights: *const f32,
    /// Distance from the weights of the first vector to those of the second.
    pub second: usize,
    /// Start values, as many as there are lanes.
    pub bias: *const f32,
    /// Channels from here to the end; those beyond the vectors are left alone, lanes beyond the channels not stored.
    pub channels: usize,
    /// Whether the output is stored past the caches; all its vectors are aligned, then, and a fence must follow.
    pub streams: bool,
}

/// How many of `left` positions the next tile takes: as many as the registers hold, but without leaving a rest of
/// one or two, whose few dependent chains would wait for each other.
#[inline(always)]
pub(crate) fn tile_size<S: Simd>(left: usize) -> usize {
    match (S::MANY_REGISTERS, left) {
        (true, 12 | 17..) => 12,
        (true, 8..) => 8,
        (_, 7 | 8) => 4,
        _ => left.min(6),
    }
}

/// Calls `$tile::<S, R, N>` with `R` equal to `$size`, a result of [`tile_size`].
macro_rules! with_tile_size {
    ($size:expr, $tile:ident::<$S:ident, $N:tt>($($argument:expr),*)) => {
        match $size {
            12 if $S::MANY_REGISTERS => $tile::<$S, 12, $N>($($argument),*),
            8 if $S::MANY_REGISTERS => $tile::<$S, 8, $N>($($argument),*),
            6 => $tile::<$S, 6, $N>($($argument),*),
            5 => $tile::<$S, 5, $N>($($argument),*),
            4 => $tile::<$S, 4, $N>($($argument),*),
            3 => $tile::<$S, 3, $N>($($argument),*),
            2 => $tile::<$S, 2, $N>($($argument),*),
            _ => $tile::<$S, 1, $N>($($argument),*),
        }
    };
}

pub(crate) use with_tile_size;

/// Computes a row for `N` vectors of channels.
///
/// # Safety
/// All pointers must be valid for what [`Row`] says, `y` for `count` voxels.
#[inline(always)]
pub(crate) unsafe fn row<S: Simd, const N: usize>(simd: S, task: &Row, y: *mut f32) {
    let mut done = 0;
    while done < task.count {
        let size = tile_size::<S>(task.count - done);
        // SAFETY: `done + size <= count`.
        unsafe {
            let y = y.add(done * task.y_step);
            with_tile_size!(size, row_tile::<S, N>(simd, task, done * task.x_step, y));
        }
        done += size;
    }
}

/// Where the first of several equally distant things is.
#[derive(Clone, Copy)]
pub(crate) struct Strided {
    pub first: *const f32,
    pub step: usize,
}

/// Adds the products of `len` consecutive values of each of `R` places at `x` and their `weights`, `N` vectors for each value.
///
/// # Safety
/// Both must have as much: `x` so many values at every place, `weights` so many groups of [`BLOCK`] for every vector.
#[inline(always)]
pub(crate) unsafe fn add_run<S: Simd, const R: usize, const N: usize>(
    simd: S,
    len: usize,
    mut x: Strided,
    mut weights: Strided,
    sums: &mut [[S::V; N]; R],
) {
    for _ in 0..len {
        // SAFETY: the caller's promise.
        unsafe {
            let mut factors = [simd.zero(); N];
            for n in 0..N {
                factors[n] = simd.load(weights.first.add(n * weights.step));
                prefetch(weights.first.wrapping_add(n * weights.step + AHEAD * BLOCK));
            }
            for r in 0..R {
                let value = simd.splat(*x.first.add(r * x.step));
                for n in 0..N {
                    sums[r][n] = simd.fma(value, factors[n], sums[r][n]);
                }
            }
        }
        x.first = x.first.wrapping_add(1);
        weights.first = weights.first.wrapping_add(BLOCK);
    }
}

/// Computes `R` voxels whose source values begin `offset` after those of the row.
#[inline(always)]
unsafe fn row_tile<S: Simd, const R: usize, const N: usize>(simd: S, task: &Row, offset: usize, y: *mut f32) {
    let mut sums = [[simd.zero(); N]; R];
    for n in 0..N {
        // SAFETY: the bias covers all lanes.
        let start = unsafe { simd.load(task.bias.add(n * S::LANES)) };
        for r in 0..R {
            sums[r][n] = start;
        }
    }
    for run in task.runs {
        let x = Strided { first: run.x.wrapping_add(offset), step: task.x_step };
        let weights = Strided { first: task.weights.wrapping_add(run.weight), step: task.second };
        // SAFETY: the run has `len` values per voxel and as many groups of weights.
        unsafe { add_run(simd, run.len, x, weights, &mut sums) };
    }
    for r in 0..R {
        for n in 0..N {
            let first = n * S::LANES;
            // SAFETY: the voxel has `channels` values here; lanes beyond them are not stored.
            unsafe {
                store(simd, task.streams, y.add(r * task.y_step + first), sums[r][n], task.channels - first);
            }
        }
    }
}

/// Pairs of rows whose products are summed voxel by voxel.
pub(crate) struct Lines<'a> {
    /// First left and first right value of each pair.
    pub rows: &'a [(*const f32, *const f32)],
    /// Voxels of a row.
    pub count: usize,
    /// Distances of neighbouring voxels.
    pub left_step: usize,
    pub right_step: usize,
    /// Whether the sums begin with these products: what stood there before is not read.
    pub first: bool,
}

/// `sums[value][channel] += sum over rows and voxels of left[value] * right[channel]`, voxel after voxel.
///
/// # Safety
/// Each voxel must have `values` left and `channels` right values, `channels` whole vectors, and `sums` room for all.
#[inline(always)]
pub(crate) unsafe fn add_products<S: Simd>(simd: S, lines: &Lines, values: usize, channels: usize, sums: *mut f32) {
    let mut value = 0;
    while value < values {
        let size = tile_size::<S>(values - value);
        let mut channel = 0;
        while channel < channels {
            let place = Place { value, channel, step: channels };
            // SAFETY: the caller promises values and channels up to these ends.
            unsafe {
                let sums = sums.add(value * channels + channel);
                if channels - channel >= 2 * S::LANES {
                    with_tile_size!(size, product_tile::<S, 2>(simd, lines, &place, sums));
                    channel += 2 * S::LANES;
                } else {
                    with_tile_size!(size, product_tile::<S, 1>(simd, lines, &place, sums));
                    channel += S::LANES;
                }
            }
        }
        value += size;
    }
}

/// Where a tile of products begins, and the distance of its rows of sums.
struct Place {
    value: usize,
    channel: usize,
    step: usize,
}

/// Adds the products of `R` left values and `N` right vectors to `sums`.
#[inline(always)]
unsafe fn product_tile<S: Simd, const R: usize, const N: usize>(simd: S, lines: &Lines, place: &Place, sums: *mut f32) {
    // SAFETY: the caller promises `R` rows of `N` vectors at `sums`, and values at all steps of the rows.
    unsafe {
        let mut total = [[simd.zero(); N]; R];
        if !lines.first {
            for r in 0..R {
                for n in 0..N {
                    total[r][n] = simd.load(sums.add(r * place.step + n * S::LANES));
                }
            }
        }
        for &(left, right) in lines.rows {
            let (mut left, mut right) = (left.wrapping_add(place.value), right.wrapping_add(place.channel));
            for _ in 0..lines.count {
                let mut factors = [simd.zero(); N];
                for n in 0..N {
                    factors[n] = simd.load(right.add(n * S::LANES));
                }
                for r in 0..R {
                    let factor = simd.splat(*left.add(r));
                    for n in 0..N {
                        total[r][n] = simd.fma(factor, factors[n], total[r][n]);
                    }
                }
                left = left.wrapping_add(lines.left_step);
                right = right.wrapping_add(lines.right_step);
            }
        }
        for r in 0..R {
            for n in 0..N {
                simd.store(sums.add(r * place.step + n * S::LANES), total[r][n]);
            }
        }
    }
}
