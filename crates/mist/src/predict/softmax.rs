//! From logits to probabilities.

use super::ChannelsLast;
use rayon::prelude::*;

/// Voxels that a thread takes at once; small enough to stay in cache, large enough to be worth a hand-over.
const VOXELS_AT_ONCE: usize = 4096;

/// Replaces the logits of every voxel by `exp(l_k − max) / Σ_j exp(l_j − max)`.
pub fn softmax(logits: &mut ChannelsLast) {
    let classes = logits.channels();
    logits.values_mut().par_chunks_mut(classes * VOXELS_AT_ONCE).for_each(|block| {
        for voxel in block.chunks_exact_mut(classes) {
            let largest = voxel.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for value in voxel.iter_mut() {
                *value = (*value - largest).exp();
                sum += *value;
            }
            for value in voxel {
                *value /= sum;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_logits_do_not_overflow_and_sums_are_one() {
        let mut scores = ChannelsLast::new([1, 1, 2], 3, vec![1000.0, 1001.0, 999.0, -5.0, -5.0, -5.0]).unwrap();
        softmax(&mut scores);
        let e = std::f32::consts::E;
        let sum = 1.0 + e + 1.0 / e;
        let third = 1.0 / 3.0;
        let expected = [1.0 / sum, e / sum, 1.0 / e / sum, third, third, third];
        for (found, expected) in scores.values().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
