//! The register tiles: some voxels of a row, and some kernel entries summed over a row.

use crate::simd::Simd;

/// A copied source row and the weights of the kernel entries that it meets.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// Offset of the row in the copy.
    pub x: usize,
    /// Offset of the weights in their vector.
    pub weight: usize,
}

/// Sums of `R` output voxels: `entries` neighbouring source vectors per run and voxel, times as many weights. Voxels
/// are `STEP` source voxels apart, or `step` where `STEP` is 0.
///
/// # Safety
/// From `x` and `weights` on, the offsets of all runs must be valid for what the tile reads.
#[inline(always)]
pub(super) unsafe fn voxels<S: Simd, const R: usize, const STEP: usize>(
    simd: S,
    runs: &[Run],
    (x, weights): (*const f32, *const f32),
    (entries, step): (usize, usize),
    start: S::V,
) -> [S::V; R] {
    let step = if STEP == 0 { step } else { STEP };
    let mut sums = [start; R];
    for run in runs {
        let (mut x, mut weight) = (x.wrapping_add(run.x), weights.wrapping_add(run.weight));
        for _ in 0..entries {
            // SAFETY: the caller promises the values of all entries and voxels.
            unsafe {
                let factor = simd.load(weight);
                for r in 0..R {
                    sums[r] = simd.fma(simd.load(x.add(r * step * S::LANES)), factor, sums[r]);
                }
            }
            x = x.wrapping_add(S::LANES);
            weight = weight.wrapping_add(S::LANES);
        }
    }
    sums
}

/// As [`voxels`] for neighbouring source voxels and `K` entries: each source vector is loaded once, and multiplied with
/// the weights of all entries. Sums are added in the same order. Against a load per entry and voxel, this saves 10 to
/// 20 % of the time of 5x5x5 and 7x7x7 kernels on AVX2 (Zen 3).
///
/// # Safety
/// As for [`voxels`].
#[inline(always)]
pub(super) unsafe fn neighbours<S: Simd, const R: usize, const K: usize>(
    simd: S,
    runs: &[Run],
    (x, weights): (*const f32, *const f32),
    start: S::V,
) -> [S::V; R] {
    let mut sums = [start; R];
    for run in runs {
        let (x, weight) = (x.wrapping_add(run.x), weights.wrapping_add(run.weight));
        // SAFETY: the caller promises the values of all entries and voxels.
        unsafe {
            let mut factors = [start; K];
            for k in 0..K {
                factors[k] = simd.load(weight.add(k * S::LANES));
            }
            for voxel in 0..R + K - 1 {
                let value = simd.load(x.add(voxel * S::LANES));
                for k in 0..K {
                    if voxel >= k && voxel - k < R {
                        sums[voxel - k] = simd.fma(value, factors[k], sums[voxel - k]);
                    }
                }
            }
        }
    }
    sums
}

/// A kernel entry of the weight gradient.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Offset of the source vector that it multiplies for the first voxel of the output row.
    pub x: usize,
    /// Offset of its sum.
    pub sum: usize,
}

/// `sums[entry] += sum over the voxels of a row of x * dy` for `R` entries, the sum of the row first. Source voxels are
/// `step` floats apart.
///
/// # Safety
/// `x` must be valid at `step` times `count` voxels from the entries' offsets on, `dy` for `count` vectors and `sums`
/// at the entries' offsets.
#[inline(always)]
pub(super) unsafe fn entries<S: Simd, const R: usize>(
    simd: S,
    entries: &[Entry; R],
    (x, step): (*const f32, usize),
    (dy, count): (*const f32, usize),
    sums: *mut f32,
) {
    let mut total = [simd.zero(); R];
    let mut rows = [x; R];
    for r in 0..R {
        rows[r] = x.wrapping_add(entries[r].x);
    }
    for voxel in 0..count {
        // SAFETY: the caller promises all voxels.
        unsafe {
            let factor = simd.load(dy.add(voxel * S::LANES));
            for r in 0..R {
                total[r] = simd.fma(simd.load(rows[r].add(voxel * step)), factor, total[r]);
            }
        }
    }
    for r in 0..R {
        // SAFETY: the caller promises the sums.
        unsafe {
            let sum = sums.add(entries[r].sum);
            simd.store(sum, simd.add(simd.load(sum), total[r]));
        }
    }
}
