//! Percentiles by linear interpolation between order statistics, without sorting everything.
//!
//! With sorted values `v[0…n−1]` and `q` in percent: `h = q/100·(n−1)`, `i = ⌊h⌋`, `g = h − i`; the result is
//! `v[i] + (v[i+1]−v[i])·g` for `g < 0.5` and `v[i+1] − (v[i+1]−v[i])·(1−g)` otherwise. The two forms keep the result between
//! its neighbours. NumPy's default; what arithmetic it uses depends on the data, and so do the functions here.

/// The two order statistics around a percentile, and the weight of the second.
struct Neighbours<T> {
    lower: T,
    upper: T,
    weight: f64,
}

/// Finds the order statistics by selection; the scratch buffer is reordered. `None` if it is empty.
fn neighbours<T: Copy>(
    scratch: &mut [T],
    percent: f64,
    order: fn(&T, &T) -> std::cmp::Ordering,
) -> Option<Neighbours<T>> {
    let last = scratch.len().checked_sub(1)?;
    let position = (percent / 100.0 * last as f64).clamp(0.0, last as f64);
    let index = position.floor() as usize;
    let (_, &mut lower, above) = scratch.select_nth_unstable_by(index, order);
    let upper = above.iter().copied().min_by(|a, b| order(a, b)).unwrap_or(lower);
    Some(Neighbours { lower, upper, weight: position - index as f64 })
}

/// Percentile (0 to 100) of `f32` data for thresholds: the difference of the neighbours in f32, all else in f64. `None` without
/// data. Reorders the buffer.
pub fn percentile(scratch: &mut [f32], percent: f64) -> Option<f64> {
    let Neighbours { lower, upper, weight } = neighbours(scratch, percent, f32::total_cmp)?;
    let difference = f64::from(upper - lower);
    Some(if weight < 0.5 {
        f64::from(lower) + difference * weight
    } else {
        f64::from(upper) - difference * (1.0 - weight)
    })
}

/// Percentile (0 to 100) of `f32` data for intensity normalization: all in f32, the weight rounded to f32 first. `None` without
/// data. Reorders the buffer.
pub fn percentile_f32(scratch: &mut [f32], percent: f64) -> Option<f32> {
    let Neighbours { lower, upper, weight } = neighbours(scratch, percent, f32::total_cmp)?;
    let difference = upper - lower;
    let weight_f32 = weight as f32;
    Some(if weight < 0.5 { lower + difference * weight_f32 } else { upper - difference * (1.0 - weight_f32) })
}

/// Percentile (0 to 100) of `f64` data, such as one value per patient. `None` without data. Reorders the buffer.
pub fn percentile_f64(scratch: &mut [f64], percent: f64) -> Option<f64> {
    let Neighbours { lower, upper, weight } = neighbours(scratch, percent, f64::total_cmp)?;
    let difference = upper - lower;
    Some(if weight < 0.5 { lower + difference * weight } else { upper - difference * (1.0 - weight) })
}
