//! Cubic B-spline interpolation.
//!
//! The spline that passes through the samples: coefficients by the recursive filter with pole √3 − 2 along each axis, then a
//! weighted sum of 4x4x4 of them, in f64.
//! M. Unser, A. Aldroubi, M. Eden, "B-spline signal processing: part II", IEEE Trans. Signal Process. 41 (1993);
//! P. Thévenaz, T. Blu, M. Unser, "Interpolation revisited", IEEE Trans. Med. Imaging 19 (2000).
//!
//! The sum could be separated by axes at a fifth of the operations, but then its rounding would differ from ITK's. Far from
//! anything bright the result is rounding residue (1e-15), and whether that is *exactly* 0 decides which voxels count for the
//! normalization of MR images: on a scan with one unchanged axis the separated sum moved the mean intensity by 2 %. So every
//! operation here is ITK's, in ITK's order.

use super::positions::{cubic_sample, positions};
use crate::geometry::Geometry;
use crate::volume::Volume;
use rayon::prelude::*;

/// √3 − 2, with the rounding of the root.
const POLE: f64 = 1.732_050_807_568_877_2 - 2.0;
const GAIN: f64 = (1.0 - POLE) * (1.0 - 1.0 / POLE);
/// Rows filtered, or voxels summed, side by side: both are chains of dependent operations, several of them fill the pipeline.
const LANES: usize = 8;
/// Powers of the pole below this are left out when the filter starts: far below the rounding of the results to f32.
const HORIZON_TOLERANCE: f64 = 1e-10;
/// Values that are worth a task of their own.
const PARALLEL_VALUES: usize = 1 << 14;

/// Puts an image on a grid with the same first voxel and axes; 0 beyond the border.
pub(super) fn resample(volume: &Volume<f32>, output: &Geometry) -> Volume<f32> {
    let mut resampled = Volume::filled(*output, 0.0);
    if volume.voxels().is_empty() || resampled.voxels().is_empty() {
        return resampled;
    }
    let [nx_in, ny_in, _] = volume.size();
    let [nx, ny, _] = output.size;
    let coefficients = spline_coefficients(volume);
    let [xs, ys, zs] = [0, 1, 2].map(|axis| weights(volume.geometry(), output, axis));
    let blocks: Vec<LaneWeights> = xs.chunks(LANES).map(LaneWeights::new).collect();
    let row = |y: usize, z: usize| &coefficients[nx_in * (y + ny_in * z)..][..nx_in];
    let slabs = resampled.voxels_mut().par_chunks_mut(nx * ny).zip(&zs);
    slabs.for_each_init(GatheredRows::default, |gathered, (slab, z)| {
        let Some(z) = z else { return };
        gathered.forget();
        for (values, y) in slab.chunks_exact_mut(nx).zip(&ys) {
            let Some(y) = y else { continue };
            for source in y.index {
                gathered.prepare(source, &blocks, z.index.map(|z| row(source, z)));
            }
            for (at, (values, block)) in values.chunks_mut(LANES).zip(&blocks).enumerate() {
                let sums = block.sum(y.index.map(|source| gathered.block(source, at)), y.weight, z.weight);
                for (value, sum) in values.iter_mut().zip(sums) {
                    *value = sum as f32;
                }
            }
        }
    });
    resampled
}

/// The four coefficients along an axis that make up one sample, and their weights.
#[derive(Clone, Copy)]
struct Weights {
    index: [usize; 4],
    weight: [f64; 4],
}

/// Weights of every output voxel along an axis; `None` where samples are outside.
fn weights(input: &Geometry, output: &Geometry, axis: usize) -> Vec<Option<Weights>> {
    let n = input.size[axis];
    let of_position = |position| {
        let (first, fraction) = cubic_sample(position, n)?;
        let index = [0, 1, 2, 3].map(|k| mirrored(first + k, n));
        Some(Weights { index, weight: basis(fraction) })
    };
    positions(input, output, axis).into_iter().map(of_position).collect()
}

/// Values of the four cubic B-splines that reach a point, from the lowest voxel on.
fn basis(fraction: f64) -> [f64; 4] {
    let last = (1.0 / 6.0) * fraction * fraction * fraction;
    let first = (1.0 / 6.0) + 0.5 * fraction * (fraction - 1.0) - last;
    let third = fraction + first - 2.0 * last;
    [first, 1.0 - first - third - last, third, last]
}

/// Index on an axis that is mirrored about the centres of its end voxels.
fn mirrored(index: isize, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let period = 2 * (n - 1);
    let folded = index.rem_euclid(period as isize) as usize;
    folded.min(period - folded)
}

/// Weights along x of neighbouring output voxels, the lane last. Lanes outside have weights of 0.
struct LaneWeights {
    index: [[usize; LANES]; 4],
    weight: [[f64; LANES]; 4],
}

impl LaneWeights {
    fn new(samples: &[Option<Weights>]) -> Self {
        let mut lanes = Self { index: [[0; LANES]; 4], weight: [[0.0; LANES]; 4] };
        for (lane, sample) in samples.iter().enumerate() {
            if let Some(sample) = sample {
                for i in 0..4 {
                    lanes.index[i][lane] = sample.index[i];
                    lanes.weight[i][lane] = sample.weight[i];
                }
            }
        }
        lanes
    }

    /// Sums over the coefficients `rows[y][z][x]`: z outermost, x innermost, each weight as (x·y)·z.
    fn sum(&self, rows: [&Cell; 4], y: [f64; 4], z: [f64; 4]) -> [f64; LANES] {
        // Written in place: arrays of this size passed through `map` are copied, which takes longer than the sums.
        let mut in_plane = [[[0.0; LANES]; 4]; 4];
        for (y, weights) in y.iter().zip(&mut in_plane) {
            for (x, weights) in self.weight.iter().zip(weights) {
                for lane in 0..LANES {
                    weights[lane] = x[lane] * y;
                }
            }
        }
        let mut sums = [0.0; LANES];
        for (plane, z) in z.iter().enumerate() {
            for (row, weights) in rows.iter().zip(&in_plane) {
                for (weights, coefficients) in weights.iter().zip(&row[plane]) {
                    for lane in 0..LANES {
                        sums[lane] += weights[lane] * z * coefficients[lane];
                    }
                }
            }
        }
        sums
    }
}

/// Coefficients of one input row y in four planes z, at the four neighbours along x of neighbouring output voxels.
type Cell = [[[f64; LANES]; 4]; 4];

/// Input rows at the neighbours along x of all output voxels, so that sums read them in order. The four rows that an output
/// row needs lie within four consecutive ones, and serve several output rows.
#[derive(Default)]
struct GatheredRows {
    slots: [(Option<usize>, Vec<Cell>); 4],
}

impl GatheredRows {
    /// Must be called when the planes change.
    fn forget(&mut self) {
        for (row, _) in &mut self.slots {
            *row = None;
        }
    }

    /// Gathers row `y`, given in the four planes, unless that is done.
    fn prepare(&mut self, y: usize, blocks: &[LaneWeights], planes: [&[f64]; 4]) {
        let (row, cells) = &mut self.slots[y % 4];
        if *row == Some(y) {
            return;
        }
        *row = Some(y);
        cells.resize(blocks.len(), [[[0.0; LANES]; 4]; 4]);
        for (cell, block) in cells.iter_mut().zip(blocks) {
            for (plane, cell) in planes.iter().zip(cell) {
                for (indices, values) in block.index.iter().zip(cell) {
                    for lane in 0..LANES {
                        values[lane] = plane[indices[lane]];
                    }
                }
            }
        }
    }

    /// Block number `at` of row `y`, which must be prepared.
    fn block(&self, y: usize, at: usize) -> &Cell {
        &self.slots[y % 4].1[at]
    }
}

/// Spline coefficients of an image, on its own grid.
fn spline_coefficients(volume: &Volume<f32>) -> Vec<f64> {
    let [nx, ny, _] = volume.size();
    let mut all = vec![0.0_f64; volume.voxels().len()];
    all.par_chunks_mut(nx * ny).zip(volume.voxels().par_chunks(nx * ny)).for_each_init(
        || vec![0.0; nx * LANES],
        |lanes, (slab, source)| {
            filter_rows(source, nx, lanes, slab);
            filter(slab, nx);
        },
    );
    filter(&mut all, nx * ny);
    all
}

/// Filters the rows of a slab along x, `LANES` at a time.
fn filter_rows(source: &[f32], n: usize, lanes: &mut [f64], target: &mut [f64]) {
    for (source, target) in source.chunks(n * LANES).zip(target.chunks_mut(n * LANES)) {
        for (lane, row) in source.chunks_exact(n).enumerate() {
            for (slot, &value) in lanes.iter_mut().skip(lane).step_by(LANES).zip(row) {
                *slot = f64::from(value);
            }
        }
        filter(lanes, LANES);
        for (lane, row) in target.chunks_exact_mut(n).enumerate() {
            for (value, &coefficient) in row.iter_mut().zip(lanes.iter().skip(lane).step_by(LANES)) {
                *value = coefficient;
            }
        }
    }
}

/// Replaces samples by spline coefficients along the slowest of two axes: `data` holds planes of `width` values that are
/// filtered side by side. Signals are mirrored about their end samples; a single sample is its own coefficient.
fn filter(data: &mut [f64], width: usize) {
    let n = data.len() / width;
    if n < 2 {
        return;
    }
    update(data, |value| *value *= GAIN);
    initial_causal(data, width, n);
    for k in 1..n {
        let (below, above) = data.split_at_mut(k * width);
        combine(&mut above[..width], &below[(k - 1) * width..], |value, previous| *value += POLE * previous);
    }
    let (below, last) = data.split_at_mut((n - 1) * width);
    let scale = POLE / (POLE * POLE - 1.0);
    combine(last, &below[(n - 2) * width..], |value, previous| *value = scale * (*value + POLE * previous));
    for k in (0..n - 1).rev() {
        let (below, above) = data.split_at_mut((k + 1) * width);
        combine(&mut below[k * width..], &above[..width], |value, next| *value = POLE * (next - *value));
    }
}

/// First value of the causal filter: the sum of the mirrored signal's past, weighted with powers of the pole.
fn initial_causal(data: &mut [f64], width: usize, n: usize) {
    let (first, rest) = data.split_at_mut(width);
    let plane = |k: usize| &rest[(k - 1) * width..k * width];
    let horizon = (HORIZON_TOLERANCE.ln() / POLE.abs().ln()).ceil() as usize;
    let mut power = POLE;
    if horizon < n {
        for k in 1..horizon {
            combine(first, plane(k), |value, sample| *value += power * sample);
            power *= POLE;
        }
        return;
    }
    let mut mirrored_power = POLE.powf((n - 1) as f64);
    combine(first, plane(n - 1), |value, sample| *value += mirrored_power * sample);
    mirrored_power = mirrored_power * (mirrored_power * (1.0 / POLE));
    for k in 1..n - 1 {
        combine(first, plane(k), |value, sample| *value += (power + mirrored_power) * sample);
        power *= POLE;
        mirrored_power *= 1.0 / POLE;
    }
    update(first, |value| *value /= 1.0 - power * power);
}

/// Applies an operation to every value.
fn update(values: &mut [f64], operation: impl Fn(&mut f64) + Sync) {
    if values.len() < PARALLEL_VALUES {
        values.iter_mut().for_each(operation);
    } else {
        values.par_chunks_mut(PARALLEL_VALUES).for_each(|chunk| chunk.iter_mut().for_each(&operation));
    }
}

/// Applies an operation to every pair of values of two planes.
fn combine(target: &mut [f64], other: &[f64], operation: impl Fn(&mut f64, f64) + Sync) {
    let together = |target: &mut [f64], other: &[f64]| {
        target.iter_mut().zip(other).for_each(|(value, &other)| operation(value, other));
    };
    if target.len() < PARALLEL_VALUES {
        together(target, other);
    } else {
        let chunks = target.par_chunks_mut(PARALLEL_VALUES).zip(other.par_chunks(PARALLEL_VALUES));
        chunks.for_each(|(target, other)| together(target, other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The interpolation conditions as a dense linear system, solved by Gauss-Jordan elimination.
    fn coefficients_by_elimination(samples: &[f64]) -> Vec<f64> {
        let n = samples.len();
        let mut system: Vec<Vec<f64>> = (0..n)
            .map(|i| {
                let mut row = vec![0.0; n + 1];
                for (offset, weight) in [(-1, 1.0 / 6.0), (0, 4.0 / 6.0), (1, 1.0 / 6.0)] {
                    row[mirrored(i as isize + offset, n)] += weight;
                }
                row[n] = samples[i];
                row
            })
            .collect();
        for pivot in 0..n {
            let scaled: Vec<f64> = system[pivot].iter().map(|value| value / system[pivot][pivot]).collect();
            for (i, row) in system.iter_mut().enumerate() {
                let factor = row[pivot];
                for (value, &from) in row.iter_mut().zip(&scaled) {
                    *value -= if i == pivot { 0.0 } else { factor * from };
                }
            }
            system[pivot] = scaled;
        }
        system.iter().map(|row| row[n]).collect()
    }

    #[test]
    fn the_filter_solves_the_interpolation_conditions() {
        for n in [1, 2, 3, 5, 17, 18, 19, 40] {
            let samples: Vec<f64> = (0..n).map(|i| f64::from(i * i * 7 % 13) - 4.0).collect();
            let mut filtered = samples.clone();
            filter(&mut filtered, 1);
            let expected = coefficients_by_elimination(&samples);
            for (found, expected) in filtered.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-8, "{n} samples: {found} instead of {expected}");
            }
        }
    }

    #[test]
    fn the_basis_sums_to_one_and_interpolates_a_line() {
        for fraction in [0.0, 0.3, 0.75] {
            let weights = basis(fraction);
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-15);
            let line: f64 = weights.iter().zip(-1..).map(|(weight, k)| weight * f64::from(k)).sum();
            assert!((line - fraction).abs() < 1e-15);
        }
    }

    #[test]
    fn the_same_grid_gives_the_same_values() {
        let geometry = Geometry::axis_aligned([5, 1, 2], [0.7, 1.0, 3.0]);
        let volume = Volume::from_fn(geometry, |[x, _, z]| (x * x) as f32 - 3.0 * z as f32);
        let resampled = resample(&volume, &geometry);
        for (found, expected) in resampled.voxels().iter().zip(volume.voxels()) {
            assert!((found - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn planes_are_filtered_like_single_signals() {
        let width = PARALLEL_VALUES + 5;
        let mut planes: Vec<f64> = (0..3 * width).map(|i| ((i * 31) % 17) as f64).collect();
        let mut single: Vec<f64> = planes.iter().skip(width - 1).step_by(width).copied().collect();
        filter(&mut planes, width);
        filter(&mut single, 1);
        assert!(planes.iter().skip(width - 1).step_by(width).eq(&single));
    }

    #[test]
    fn upsampling_ends_in_zeros() {
        let input = Geometry::axis_aligned([1, 1, 10], [1.0, 1.0, 2.0]);
        let output = Geometry { size: [1, 1, 40], spacing: [1.0, 1.0, 0.5], ..input };
        let resampled = resample(&Volume::filled(input, 5.0), &output);
        let zeros = resampled.voxels().iter().rev().take_while(|&&value| value == 0.0).count();
        assert_eq!(zeros, 2);
        assert!(resampled.voxels()[..38].iter().all(|value| (value - 5.0).abs() < 1e-6));
    }
}
