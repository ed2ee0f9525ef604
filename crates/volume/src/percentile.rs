//! Percentiles by linear interpolation between order statistics, without sorting everything.
//!
//! With sorted values `v[0…n−1]` and `q` in percent: `h = q/100·(n−1)`, `i = ⌊h⌋`, `g = h − i`; the result is
//! `v[i] + (v[i+1]−v[i])·g` for `g < 0.5` and `v[i+1] − (v[i+1]−v[i])·(1−g)` otherwise. The two forms keep the result between
//! its neighbours. NumPy's default; what arithmetic it uses depends on the data, and so do the functions here.
//!
//! Small data are selected from in place; volumes ([`volume_percentiles`]) are counted in two passes and never copied.

use rayon::prelude::*;

/// The two order statistics around a percentile, and the weight of the second.
#[derive(Clone, Copy)]
struct Neighbours<T> {
    lower: T,
    upper: T,
    weight: f64,
}

impl Neighbours<f32> {
    /// Difference in f32, all else in f64.
    fn widened(self) -> f64 {
        let difference = f64::from(self.upper - self.lower);
        if self.weight < 0.5 {
            f64::from(self.lower) + difference * self.weight
        } else {
            f64::from(self.upper) - difference * (1.0 - self.weight)
        }
    }

    /// All in f32, the weight rounded first.
    fn single(self) -> f32 {
        let difference = self.upper - self.lower;
        let weight = self.weight as f32;
        if self.weight < 0.5 { self.lower + difference * weight } else { self.upper - difference * (1.0 - weight) }
    }
}

/// Rank of the lower neighbour among `count` sorted values, and the weight of the upper one. `None` without values.
fn rank(count: usize, percent: f64) -> Option<(usize, f64)> {
    let last = count.checked_sub(1)? as f64;
    let position = (percent / 100.0 * last).clamp(0.0, last);
    Some((position.floor() as usize, position - position.floor()))
}

/// Finds the order statistics by selection; the scratch buffer is reordered. `None` if it is empty.
fn neighbours<T: Copy>(
    scratch: &mut [T],
    percent: f64,
    order: fn(&T, &T) -> std::cmp::Ordering,
) -> Option<Neighbours<T>> {
    let (index, weight) = rank(scratch.len(), percent)?;
    let (_, &mut lower, above) = scratch.select_nth_unstable_by(index, order);
    let upper = above.iter().copied().min_by(order).unwrap_or(lower);
    Some(Neighbours { lower, upper, weight })
}

/// Percentile (0 to 100) of `f32` data for thresholds: the difference of the neighbours in f32, all else in f64. `None` without
/// data. Reorders the buffer.
pub fn percentile(scratch: &mut [f32], percent: f64) -> Option<f64> {
    neighbours(scratch, percent, f32::total_cmp).map(Neighbours::widened)
}

/// Percentile (0 to 100) of `f32` data for intensity normalization: all in f32, the weight rounded to f32 first. `None` without
/// data. Reorders the buffer.
pub fn percentile_f32(scratch: &mut [f32], percent: f64) -> Option<f32> {
    neighbours(scratch, percent, f32::total_cmp).map(Neighbours::single)
}

/// Percentile (0 to 100) of `f64` data, such as one value per patient. `None` without data. Reorders the buffer.
pub fn percentile_f64(scratch: &mut [f64], percent: f64) -> Option<f64> {
    let Neighbours { lower, upper, weight } = neighbours(scratch, percent, f64::total_cmp)?;
    let difference = upper - lower;
    Some(if weight < 0.5 { lower + difference * weight } else { upper - difference * (1.0 - weight) })
}

/// As [`percentile`], for several percentiles of the values of a large volume of which `counted` is true.
pub fn volume_percentiles<const N: usize>(
    values: &[f32],
    counted: impl Fn(f32) -> bool + Sync,
    percents: [f64; N],
) -> Option<[f64; N]> {
    volume_neighbours(values, counted, percents).map(|all| all.map(Neighbours::widened))
}

/// As [`percentile_f32`], for several percentiles of the values of a large volume of which `counted` is true.
pub fn volume_percentiles_f32<const N: usize>(
    values: &[f32],
    counted: impl Fn(f32) -> bool + Sync,
    percents: [f64; N],
) -> Option<[f32; N]> {
    volume_neighbours(values, counted, percents).map(|all| all.map(Neighbours::single))
}

/// Values are told apart by the upper half of their bits first, by the lower half then.
const HALF_BITS: u32 = 16;
/// Values that are worth a task of their own: much more than the counters of a task.
const PARALLEL_VALUES: usize = 1 << 20;

/// Maps floats to integers in the same order (that of [`f32::total_cmp`]).
fn ordered_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The inverse of [`ordered_bits`].
fn from_ordered_bits(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

/// Counts of the selected half of the bits, over values whose upper half is wanted.
fn count_halves(values: &[f32], select: impl Fn(f32) -> Option<u16> + Sync) -> Vec<u64> {
    let zeros = || vec![0_u64; 1 << HALF_BITS];
    let tasks = values.par_chunks(PARALLEL_VALUES).fold(zeros, |mut counts, chunk| {
        for &value in chunk {
            if let Some(half) = select(value) {
                counts[usize::from(half)] += 1;
            }
        }
        counts
    });
    tasks.reduce(zeros, |mut a, b| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    })
}

/// The half in which the value of the given rank lies, and its rank among the values with that half.
fn locate(counts: &[u64], rank: u64) -> (u16, u64) {
    let mut below = 0;
    for (half, &count) in (0..=u16::MAX).zip(counts) {
        if rank < below + count {
            return (half, rank - below);
        }
        below += count;
    }
    (u16::MAX, 0)
}

fn volume_neighbours<const N: usize>(
    values: &[f32],
    counted: impl Fn(f32) -> bool + Sync,
    percents: [f64; N],
) -> Option<[Neighbours<f32>; N]> {
    let upper_half = |value: f32| (ordered_bits(value) >> HALF_BITS) as u16;
    let lower_half = |value: f32| ordered_bits(value) as u16;
    let uppers = count_halves(values, |value| counted(value).then(|| upper_half(value)));
    let count = uppers.iter().sum::<u64>() as usize;
    rank(count, 0.0)?;

    // Lower halves are only counted for the few upper halves that hold a wanted value.
    let mut lowers: Vec<(u16, Vec<u64>)> = Vec::new();
    let mut value_at = |wanted: usize| {
        let (upper, rank) = locate(&uppers, wanted as u64);
        let known = lowers.iter().position(|(half, _)| *half == upper).unwrap_or_else(|| {
            let of_upper = |value| (upper_half(value) == upper && counted(value)).then(|| lower_half(value));
            lowers.push((upper, count_halves(values, of_upper)));
            lowers.len() - 1
        });
        let (lower, _) = locate(&lowers[known].1, rank);
        from_ordered_bits(u32::from(upper) << HALF_BITS | u32::from(lower))
    };
    Some(percents.map(|percent| {
        let (index, weight) = rank(count, percent).unwrap_or_default();
        let lower = value_at(index);
        let upper = if index + 1 < count { value_at(index + 1) } else { lower };
        Neighbours { lower, upper, weight }
    }))
}
