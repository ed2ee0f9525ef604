//! Otsu's threshold: the value that separates a histogram into two classes with the largest variance between them.
//!
//! N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. Syst. Man Cybern. 9 (1979). The arithmetic
//! (256 bins, 32-bit counts, first maximum) is that of scikit-image's `threshold_otsu`, so that thresholds agree exactly.

use rayon::prelude::*;

const BINS: usize = 256;

/// Values that are worth a task of their own.
const PARALLEL_VALUES: usize = 1 << 16;

/// Threshold of the voxels' `intensity` (such as the clipped value); all equal gives that value. Intensities above it are the
/// bright class. `None` without voxels; intensities must be finite.
pub fn threshold(voxels: &[f32], intensity: impl Fn(f32) -> f64 + Sync) -> Option<f64> {
    let range = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
    let none = || (f64::INFINITY, f64::NEG_INFINITY);
    let chunks = voxels.par_chunks(PARALLEL_VALUES);
    let (minimum, maximum) = chunks
        .map(|chunk| chunk.iter().map(|&value| intensity(value)).fold(none(), range))
        .reduce(none, |a, b| (a.0.min(b.0), a.1.max(b.1)));
    if minimum > maximum {
        return None;
    }
    if minimum == maximum {
        return Some(minimum);
    }
    let edges = edges(minimum, maximum);
    let counts = histogram(voxels, intensity, &edges);
    Some(best_split(&counts, &centres(&edges)))
}

/// Edges of equal bins; the last one is exactly the maximum.
fn edges(minimum: f64, maximum: f64) -> [f64; BINS + 1] {
    let step = (maximum - minimum) / BINS as f64;
    let mut edges = std::array::from_fn(|i| i as f64 * step + minimum);
    edges[BINS] = maximum;
    edges
}

fn centres(edges: &[f64; BINS + 1]) -> [f64; BINS] {
    std::array::from_fn(|i| (edges[i] + edges[i + 1]) / 2.0)
}

/// Counts per bin. The bin computed by division can be one off at an edge; comparing with the edges corrects that.
fn histogram(voxels: &[f32], intensity: impl Fn(f32) -> f64 + Sync, edges: &[f64; BINS + 1]) -> [f32; BINS] {
    let (minimum, maximum) = (edges[0], edges[BINS]);
    let count = |mut counts: [u64; BINS], chunk: &[f32]| {
        for &voxel in chunk {
            let value = intensity(voxel);
            let scaled = (value - minimum) / (maximum - minimum) * BINS as f64;
            let mut bin = (scaled as usize).min(BINS - 1);
            if value < edges[bin] {
                bin -= 1;
            } else if bin < BINS - 1 && value >= edges[bin + 1] {
                bin += 1;
            }
            counts[bin] += 1;
        }
        counts
    };
    let tasks = voxels.par_chunks(PARALLEL_VALUES).fold(|| [0; BINS], count);
    let counts = tasks.reduce(|| [0; BINS], |a, b| std::array::from_fn(|bin| a[bin] + b[bin]));
    counts.map(|count| count as f32)
}

/// Centre of the bin after which the split maximizes `w1·w2·(m1 − m2)²`; the first of equal ones.
fn best_split(counts: &[f32; BINS], centres: &[f64; BINS]) -> f64 {
    let (mut weight, mut sum) = (0.0_f32, 0.0_f64);
    let mut left = [(0.0_f32, 0.0_f64); BINS];
    for bin in 0..BINS {
        weight += counts[bin];
        sum += f64::from(counts[bin]) * centres[bin];
        left[bin] = (weight, sum / f64::from(weight));
    }
    let (mut weight, mut sum) = (0.0_f32, 0.0_f64);
    let mut right = [(0.0_f32, 0.0_f64); BINS];
    for bin in (0..BINS).rev() {
        weight += counts[bin];
        sum += f64::from(counts[bin]) * centres[bin];
        right[bin] = (weight, sum / f64::from(weight));
    }
    let mut best = (f64::NEG_INFINITY, 0);
    for bin in 0..BINS - 1 {
        let ((w1, m1), (w2, m2)) = (left[bin], right[bin + 1]);
        let variance = f64::from(w1 * w2) * (m1 - m2) * (m1 - m2);
        if variance > best.0 {
            best = (variance, bin);
        }
    }
    centres[best.1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_peaks_are_separated_at_the_lower_one() {
        let values = [vec![10.0; 50], vec![11.0; 10], vec![90.0; 30]].concat();
        let threshold = threshold(&values, f64::from).unwrap();
        assert!((11.0..12.0).contains(&threshold), "{threshold}");
    }

    #[test]
    fn one_value_is_its_own_threshold() {
        assert_eq!(threshold(&[3.5; 7], f64::from), Some(3.5));
        assert_eq!(threshold(&[], f64::from), None);
    }

    #[test]
    fn values_on_edges_belong_to_the_bin_above() {
        // The edges themselves are f64; each is reached through its index.
        let edges = edges(0.1, 0.7);
        let indices: Vec<f32> = (0..=BINS as u16).map(f32::from).collect();
        let counts = histogram(&indices, |index| edges[index as usize], &edges);
        assert_eq!(counts[BINS - 1], 2.0, "the maximum joins the last bin");
        assert!(counts[..BINS - 1].iter().all(|&count| count == 1.0));
    }
}
