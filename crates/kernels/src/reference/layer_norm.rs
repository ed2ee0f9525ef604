//! Layer normalisation and its gradients, one voxel after the other.

use crate::layer_norm::Gradients;

fn normalised(x: &[f32], eps: f32) -> (Vec<f64>, f64) {
    let count = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
    let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count;
    let rstd = 1.0 / (variance + f64::from(eps)).sqrt();
    (x.iter().map(|&x| (f64::from(x) - mean) * rstd).collect(), rstd)
}

/// See [`crate::layer_norm::forward`].
pub fn forward(channels: usize, x: &[f32], affine: Option<[&[f32]; 2]>, eps: f32) -> Vec<f32> {
    let of_voxel = |voxel: &[f32]| {
        let (z, _) = normalised(voxel, eps);
        let value = |(channel, z): (usize, f64)| match affine {
            Some([gamma, beta]) => z * f64::from(gamma[channel]) + f64::from(beta[channel]),
            None => z,
        };
        z.into_iter().enumerate().map(|pair| value(pair) as f32).collect::<Vec<_>>()
    };
    x.chunks(channels).flat_map(of_voxel).collect()
}

/// See [`crate::layer_norm::backward`].
pub fn backward(channels: usize, x: &[f32], gamma: Option<&[f32]>, eps: f32, dy: &[f32]) -> Gradients {
    let mut gradients = Gradients { x: Vec::new(), gamma: vec![0.0; channels], beta: vec![0.0; channels] };
    for (x, dy) in x.chunks(channels).zip(dy.chunks(channels)) {
        let (z, rstd) = normalised(x, eps);
        let factor = |channel: usize| gamma.map_or(1.0, |gamma| f64::from(gamma[channel]));
        let g: Vec<f64> = dy.iter().enumerate().map(|(channel, dy)| f64::from(*dy) * factor(channel)).collect();
        let mean_g = g.iter().sum::<f64>() / channels as f64;
        let mean_gz = g.iter().zip(&z).map(|(g, z)| g * z).sum::<f64>() / channels as f64;
        gradients.x.extend(g.iter().zip(&z).map(|(g, z)| (rstd * (g - mean_g - z * mean_gz)) as f32));
        if gamma.is_some() {
            for channel in 0..channels {
                gradients.gamma[channel] += (f64::from(dy[channel]) * z[channel]) as f32;
                gradients.beta[channel] += dy[channel];
            }
        }
    }
    gradients
}
