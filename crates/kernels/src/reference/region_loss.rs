//! Cross entropy plus Dice as the formulas say.

use crate::region_loss::RegionLoss;

/// The loss of logits `z`, `[batch, voxels, classes]`.
pub fn forward(loss: &RegionLoss, z: &[f32], labels: &[u8]) -> f64 {
    let RegionLoss { batch, voxels, classes, .. } = *loss;
    let probability = |voxel: usize, class: usize| {
        let z = &z[voxel * classes..][..classes];
        let sum: f64 = z.iter().map(|&z| f64::from(z).exp()).sum();
        f64::from(z[class]).exp() / sum
    };
    let (mut entropy, mut dice) = (0.0, 0.0);
    for sample in 0..batch {
        let of_sample = sample * voxels..(sample + 1) * voxels;
        for class in 0..classes {
            let (mut error, mut mass) = (0.0, loss.eps);
            for voxel in of_sample.clone() {
                let truth = if usize::from(labels[voxel]) == class { 1.0 } else { 0.0 };
                let p = probability(voxel, class);
                error += (truth - p).powi(2);
                mass += truth * truth + p * p;
                entropy -= truth * p.ln();
            }
            if class >= loss.first_class {
                dice += error / mass;
            }
        }
    }
    loss.cross_entropy * entropy / (batch * voxels) as f64
        + loss.dice * dice / (batch * (classes - loss.first_class)) as f64
}
