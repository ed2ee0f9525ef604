//! Instance normalisation and its gradients, one channel of one image after the other.

use crate::Activation;
use crate::instance_norm::{Gradients, NormShape, Statistics};

/// Indices of one channel of one image.
fn positions(shape: &NormShape, n: usize, c: usize) -> impl Iterator<Item = usize> + use<> {
    let (voxels, channels) = (shape.voxels, shape.channels);
    (0..voxels).map(move |v| (n * voxels + v) * channels + c)
}

/// See [`crate::instance_norm::forward`].
pub fn forward(
    shape: &NormShape,
    x: &[f32],
    gamma: &[f32],
    beta: &[f32],
    eps: f32,
    activation: Activation,
    residual: Option<&[f32]>,
) -> (Vec<f32>, Statistics) {
    let mut y = vec![0.0; x.len()];
    let mut statistics = Statistics { mean: Vec::new(), rstd: Vec::new() };
    for n in 0..shape.batch {
        for c in 0..shape.channels {
            let mean = positions(shape, n, c).map(|i| f64::from(x[i])).sum::<f64>() / shape.voxels as f64;
            let square = |i: usize| (f64::from(x[i]) - mean).powi(2);
            let variance = positions(shape, n, c).map(square).sum::<f64>() / shape.voxels as f64;
            let rstd = 1.0 / (variance + f64::from(eps)).sqrt();
            for i in positions(shape, n, c) {
                let normalised = f64::from(gamma[c]) * (f64::from(x[i]) - mean) * rstd + f64::from(beta[c]);
                let sum = normalised + residual.map_or(0.0, |residual| f64::from(residual[i]));
                y[i] = (if sum > 0.0 { sum } else { sum * f64::from(activation.slope()) }) as f32;
            }
            statistics.mean.push(mean as f32);
            statistics.rstd.push(rstd as f32);
        }
    }
    (y, statistics)
}

/// See [`crate::instance_norm::backward_residual`]; the second result is `g`. With `g` the gradient before the activation and `z` the normalised value:
/// `dx = gamma * rstd * (g - mean(g) - z * mean(g * z))`.
pub fn backward(
    shape: &NormShape,
    x: &[f32],
    gamma: &[f32],
    statistics: &Statistics,
    y: &[f32],
    dy: &[f32],
    activation: Activation,
) -> (Gradients, Vec<f32>) {
    let slope = f64::from(activation.slope());
    let before_activation = |i: usize| f64::from(dy[i]) * if y[i] > 0.0 { 1.0 } else { slope };
    let mut gradients =
        Gradients { x: vec![0.0; x.len()], gamma: vec![0.0; shape.channels], beta: vec![0.0; shape.channels] };
    let residual = (0..x.len()).map(|i| before_activation(i) as f32).collect();
    for n in 0..shape.batch {
        for c in 0..shape.channels {
            let slot = n * shape.channels + c;
            let (mean, rstd) = (f64::from(statistics.mean[slot]), f64::from(statistics.rstd[slot]));
            let z = |i: usize| (f64::from(x[i]) - mean) * rstd;
            let sum_g = positions(shape, n, c).map(before_activation).sum::<f64>();
            let sum_gz = positions(shape, n, c).map(|i| before_activation(i) * z(i)).sum::<f64>();
            let count = shape.voxels as f64;
            for i in positions(shape, n, c) {
                let centred = before_activation(i) - sum_g / count - z(i) * sum_gz / count;
                gradients.x[i] = (f64::from(gamma[c]) * rstd * centred) as f32;
            }
            gradients.gamma[c] += sum_gz as f32;
            gradients.beta[c] += sum_g as f32;
        }
    }
    (gradients, residual)
}
