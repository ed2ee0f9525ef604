//! Mean of soft Dice and cross entropy (Isensee et al. 2021 use their sum).

use super::{Loss, LossEntry, Segmentation, dice::Dice};
use mist_ops::{Tensor, activation, sum_voxels};

/// `½(cross entropy + Dice)`. Cross entropy is the mean of `−log softmax(z)[y]` over all voxels and always
/// sees every class.
pub struct DiceCe {
    dice: Dice,
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry { composite: false, build: |classes| Box::new(DiceCe { dice: Dice { classes } }) }
}

impl Loss for DiceCe {
    fn value(&self, prediction: &Segmentation) -> Tensor<1> {
        let [batch, voxels, _] = prediction.logits.dims();
        let log_probabilities = activation::log_softmax(prediction.logits.clone(), 2);
        let cross_entropy = sum_voxels(prediction.truth.clone() * log_probabilities).sum() / -((batch * voxels) as f32);
        (cross_entropy + self.dice.value(prediction)) * 0.5
    }
}
