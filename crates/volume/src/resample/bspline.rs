//! Cubic B-spline interpolation.
//!
//! The spline that passes through the samples: coefficients by the recursive filter with pole √3 − 2, then a weighted sum of
//! four of them. Both steps are separable, so each axis is filtered and evaluated before the next one, in f64.
//! M. Unser, A. Aldroubi, M. Eden, "B-spline signal processing: part II", IEEE Trans. Signal Process. 41 (1993);
//! P. Thévenaz, T. Blu, M. Unser, "Interpolation revisited", IEEE Trans. Med. Imaging 19 (2000).

use super::positions::{cubic_sample, positions};
use crate::geometry::Geometry;
use crate::volume::Volume;
use rayon::prelude::*;

/// √3 − 2.
const POLE: f64 = -0.267_949_192_431_122_7;
/// (1 − pole)·(1 − 1/pole).
const GAIN: f64 = 6.0;
/// Rows filtered together along x: the recursion is a chain of dependent operations, several chains fill the pipeline.
const LANES: usize = 8;
/// Powers of the pole below this start the filter at 0: far below the rounding of the results to f32. ITK's value.
const HORIZON_TOLERANCE: f64 = 1e-10;
/// Values that are worth a task of their own.
const PARALLEL_VALUES: usize = 1 << 14;

/// Puts an image on a grid with the same first voxel and axes; 0 beyond the border.
pub(super) fn resample(volume: &Volume<f32>, output: &Geometry) -> Volume<f32> {
    let [nx_in, ny_in, nz_in] = volume.size();
    let [nx, ny, nz] = output.size;
    let mut resampled = Volume::filled(*output, 0.0);
    if nx_in * ny_in * nz_in == 0 || nx * ny * nz == 0 {
        return resampled;
    }
    let [xs, ys, zs] = [0, 1, 2].map(|axis| weights(volume.geometry(), output, axis));

    // Slab by slab along x and y; then all slabs along z.
    let mut slabs = vec![0.0_f64; nx * ny * nz_in];
    slabs.par_chunks_mut(nx * ny).zip(volume.voxels().par_chunks(nx_in * ny_in)).for_each_init(
        || (vec![0.0; nx_in * LANES], vec![0.0; nx * ny_in]),
        |(lanes, rows), (slab, source)| {
            along_x(source, nx_in, &xs, lanes, rows);
            coefficients(rows, nx);
            for (row, y) in slab.chunks_exact_mut(nx).zip(&ys) {
                if let Some(y) = y {
                    let [a, b, c, d] = y.index.map(|i| &rows[i * nx..(i + 1) * nx]);
                    for (x, value) in row.iter_mut().enumerate() {
                        *value = y.sum([a[x], b[x], c[x], d[x]]);
                    }
                }
            }
        },
    );
    coefficients(&mut slabs, nx * ny);
    resampled.voxels_mut().par_chunks_mut(nx * ny).zip(&zs).for_each(|(slab, z)| {
        let Some(z) = z else { return };
        let [a, b, c, d] = z.index.map(|i| &slabs[i * nx * ny..(i + 1) * nx * ny]);
        for (i, value) in slab.iter_mut().enumerate() {
            *value = z.sum([a[i], b[i], c[i], d[i]]) as f32;
        }
    });
    resampled
}

/// The four coefficients that make up one sample, and their weights.
struct Weights {
    index: [usize; 4],
    weight: [f64; 4],
}

impl Weights {
    #[inline]
    fn sum(&self, coefficients: [f64; 4]) -> f64 {
        let [a, b, c, d] = coefficients;
        a * self.weight[0] + b * self.weight[1] + c * self.weight[2] + d * self.weight[3]
    }
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
    let last = fraction * fraction * fraction / 6.0;
    let first = 1.0 / 6.0 + 0.5 * fraction * (fraction - 1.0) - last;
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

/// Filters and evaluates the rows of a slab along x, `LANES` at a time.
fn along_x(source: &[f32], n: usize, xs: &[Option<Weights>], lanes: &mut [f64], rows: &mut [f64]) {
    for (group, targets) in source.chunks(n * LANES).zip(rows.chunks_mut(xs.len() * LANES)) {
        for (lane, row) in group.chunks_exact(n).enumerate() {
            for (slot, &value) in lanes.iter_mut().skip(lane).step_by(LANES).zip(row) {
                *slot = f64::from(value);
            }
        }
        coefficients(lanes, LANES);
        for (lane, target) in targets.chunks_exact_mut(xs.len()).enumerate() {
            for (value, x) in target.iter_mut().zip(xs) {
                *value = match x {
                    Some(x) => x.sum(x.index.map(|i| lanes[i * LANES + lane])),
                    None => 0.0,
                };
            }
        }
    }
}

/// Replaces samples by spline coefficients along the slowest of two axes: `data` holds planes of `width` values that are
/// filtered side by side. Signals are mirrored about their end samples; a single sample is its own coefficient.
fn coefficients(data: &mut [f64], width: usize) {
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

/// First value of the causal filter: the sum of the mirrored signal's past, weighted with powers of the pole. Powers below
/// [`HORIZON_TOLERANCE`] are left out where the signal is long enough.
fn initial_causal(data: &mut [f64], width: usize, n: usize) {
    let (first, rest) = data.split_at_mut(width);
    let horizon = (HORIZON_TOLERANCE.ln() / POLE.abs().ln()).ceil() as usize;
    let is_short = horizon >= n;
    let period = 2 * (n as i32 - 1);
    for (k, plane) in (1..n.min(horizon)).zip(rest.chunks_exact(width)) {
        let power = POLE.powi(k as i32);
        let mirrored_power = if is_short && k < n - 1 { POLE.powi(period - k as i32) } else { 0.0 };
        combine(first, plane, |value, sample| *value += (power + mirrored_power) * sample);
    }
    if is_short {
        let repeated = 1.0 / (1.0 - POLE.powi(period));
        update(first, |value| *value *= repeated);
    }
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
            coefficients(&mut filtered, 1);
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
        coefficients(&mut planes, width);
        coefficients(&mut single, 1);
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
