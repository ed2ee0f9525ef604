//! Cross entropy plus Dice as the formulas say.

use crate::region_loss::RegionLoss;

/// The loss of logits `z`, `[batch, voxels, outputs]`.
pub fn forward(loss: &RegionLoss, z: &[f32], labels: &[u8]) -> f64 {
    let RegionLoss { batch, voxels, encoding, .. } = loss;
    let outputs = encoding.outputs();
    let weight = |output: usize| f64::from(encoding.weights()[output]);
    let probability = |voxel: usize, output: usize| {
        let z = &z[voxel * outputs..][..outputs];
        let exp = |z: f32| f64::from(z).exp();
        match encoding.is_overlapping() {
            true => 1.0 / (1.0 + exp(-z[output])),
            false => exp(z[output]) / z.iter().copied().map(exp).sum::<f64>(),
        }
    };
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
    let share = |sum: f64, of: f64| if of == 0.0 { 0.0 } else { sum / of };
    loss.cross_entropy * share(entropy, counted) + loss.dice * share(dice, weights)
}
