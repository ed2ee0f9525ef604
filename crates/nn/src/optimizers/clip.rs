//! Gradient clipping by the norm over all tensors together (Pascanu et al. 2013).

use super::CHUNK;
use rayon::prelude::*;

/// Keeps the quotient finite for zero gradients.
const EPS: f64 = 1e-6;
/// Sums that a processor can work on at the same time.
const LANES: usize = 8;

/// Scales all gradients by `min(1, limit / (norm + 1e-6))` and returns the norm before; the sums are in f64, over
/// fixed parts in order, so the result does not depend on threads.
pub fn clip_to_norm(gradients: &mut [Vec<f32>], limit: f64) -> f64 {
    let squares = |tensor: &Vec<f32>| -> f64 {
        let parts: Vec<f64> = tensor.par_chunks(CHUNK).map(sum_of_squares).collect();
        parts.iter().sum()
    };
    let norm = gradients.iter().map(squares).sum::<f64>().sqrt();
    let scale = (limit / (norm + EPS)).min(1.0) as f32;
    if scale < 1.0 {
        for tensor in gradients {
            tensor.par_chunks_mut(CHUNK).for_each(|part| part.iter_mut().for_each(|gradient| *gradient *= scale));
        }
    }
    norm
}

fn sum_of_squares(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; LANES];
    let (groups, rest) = values.as_chunks::<LANES>();
    for group in groups {
        for (sum, value) in sums.iter_mut().zip(group) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_gradient_is_cut_to_the_limit_and_a_short_one_left() {
        let mut gradients = vec![vec![3.0; 2 * CHUNK + 5], vec![-4.0; 11]];
        let norm = clip_to_norm(&mut gradients, 10.0);
        let expected = (9.0 * (2 * CHUNK + 5) as f64 + 16.0 * 11.0).sqrt();
        assert!((norm - expected).abs() < 1e-9 * expected, "{norm} {expected}");
        let after = clip_to_norm(&mut gradients, 10.0);
        assert!((after - 10.0).abs() < 1e-5, "{after}");
        assert!(clip_to_norm(&mut gradients, 11.0) == clip_to_norm(&mut gradients, 12.0));
    }
}
