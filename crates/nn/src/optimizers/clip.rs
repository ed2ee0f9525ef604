//! Gradient clipping by the norm over all tensors together (Pascanu et al. 2013).

/// Keeps the quotient finite for zero gradients.
const EPS: f64 = 1e-6;

/// Scales all gradients by `min(1, limit / (norm + 1e-6))` and returns the norm before; the sums are in f64, in
/// order, so the result does not depend on threads.
pub fn clip_to_norm(gradients: &mut [Vec<f32>], limit: f64) -> f64 {
    let squares = |tensor: &Vec<f32>| tensor.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
    let norm = gradients.iter().map(squares).sum::<f64>().sqrt();
    let scale = (limit / (norm + EPS)).min(1.0) as f32;
    if scale < 1.0 {
        gradients.iter_mut().flatten().for_each(|gradient| *gradient *= scale);
    }
    norm
}
