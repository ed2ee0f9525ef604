//! Cross entropy plus Dice as the formulas say, and their derivative.

use crate::region_loss::RegionLoss;

/// The loss of logits `z`, `[batch, voxels, outputs]`.
pub fn forward(loss: &RegionLoss, z: &[f32], labels: &[u8]) -> f64 {
    let RegionLoss { batch, voxels, encoding, .. } = loss;
    let outputs = encoding.outputs();
    let weight = |output: usize| f64::from(encoding.weights()[output]);
    let probability = |voxel: usize, output: usize| probabilities(loss, &z[voxel * outputs..][..outputs])[output];
    let (mut entropy, mut counted, mut dice, mut weights) = (0.0, 0.0, 0.0, 0.0);
    for sample in 0..*batch {
        for output in 0..outputs {
            let (mut error, mut mass) = (0.0, loss.eps);
            for voxel in sample * voxels..(sample + 1) * voxels {
                let Some(truth) = encoding.truth(labels[voxel]) else { continue };
                let (truth, p) = (f64::from(truth[output]), probability(voxel, output));
                error += (truth - p).powi(2);
                mass += truth * truth + p * p;
                entropy -= weight(output) * truth * p.ln();
                counted += weight(output) * truth;
                if encoding.is_overlapping() {
                    entropy -= weight(output) * (1.0 - truth) * (1.0 - p).ln();
                    counted += weight(output) * (1.0 - truth);
                }
            }
            if output >= loss.first_output {
                dice += weight(output) * error / mass;
                weights += weight(output);
            }
        }
    }
    loss.cross_entropy * share(entropy, counted) + loss.dice * share(dice, weights)
}

/// Gradient of [`forward`] by `z`: by the probabilities first, and then through their Jacobian.
pub fn backward(loss: &RegionLoss, z: &[f32], labels: &[u8]) -> Vec<f64> {
    let RegionLoss { batch, voxels, encoding, .. } = loss;
    let outputs = encoding.outputs();
    let weight = |output: usize| f64::from(encoding.weights()[output]);
    let p: Vec<f64> = z.chunks(outputs).flat_map(|z| probabilities(loss, z)).collect();
    let truth: Vec<Option<&[f32]>> = labels.iter().map(|label| encoding.truth(*label)).collect();
    let counted: f64 =
        truth.iter().flatten().flat_map(|truth| truth.iter().enumerate()).fold(0.0, |sum, (output, t)| {
            sum + weight(output) * if encoding.is_overlapping() { 1.0 } else { f64::from(*t) }
        });
    let weights: f64 = *batch as f64 * (loss.first_output..outputs).map(weight).sum::<f64>();
    let mut by_p = vec![0.0; z.len()];
    let mut by_z = vec![0.0; z.len()];
    for sample in 0..*batch {
        let of_sample = sample * voxels..(sample + 1) * voxels;
        for output in 0..outputs {
            let (mut error, mut mass) = (0.0, loss.eps);
            for voxel in of_sample.clone() {
                let Some(truth) = truth[voxel] else { continue };
                let (truth, p) = (f64::from(truth[output]), p[voxel * outputs + output]);
                error += (truth - p).powi(2);
                mass += truth * truth + p * p;
            }
            for voxel in of_sample.clone() {
                let Some(truth) = truth[voxel] else { continue };
                let (truth, at) = (f64::from(truth[output]), voxel * outputs + output);
                if output >= loss.first_output {
                    let slope = (2.0 * (p[at] - truth) * mass - error * 2.0 * p[at]) / (mass * mass);
                    by_p[at] = loss.dice * share(weight(output) * slope, weights);
                }
                // Of cross entropy the slope by the logit is known at once, `p - t`.
                let own = if encoding.is_overlapping() { output } else { usize::from(labels[voxel]) };
                by_z[at] = loss.cross_entropy * share(weight(own) * (p[at] - truth), counted);
            }
        }
    }
    for at in 0..z.len() {
        let first = at / outputs * outputs;
        for output in 0..outputs {
            let same = if first + output == at { 1.0 } else { 0.0 };
            let slope = match encoding.is_overlapping() {
                true => same * p[at] * (1.0 - p[at]),
                false => p[at] * (same - p[first + output]),
            };
            by_z[at] += slope * by_p[first + output];
        }
    }
    by_z
}

/// Of the logits of one voxel.
fn probabilities(loss: &RegionLoss, z: &[f32]) -> Vec<f64> {
    let exp = |z: f32| f64::from(z).exp();
    let sum: f64 = z.iter().copied().map(exp).sum();
    z.iter().map(|z| if loss.encoding.is_overlapping() { 1.0 / (1.0 + exp(-z)) } else { exp(*z) / sum }).collect()
}

fn share(sum: f64, of: f64) -> f64 {
    if of == 0.0 { 0.0 } else { sum / of }
}
