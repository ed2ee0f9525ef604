//! Mean of soft Dice and cross entropy (Isensee et al. 2021 use their sum). The region term of the composite losses.

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError, dice::Dice};
use mist_ops::{Tensor, activation, sum_voxels};

/// `½(cross entropy + Dice)`. Cross entropy is the mean of `−log softmax(z)[y]` over all voxels and always
/// sees every class.
pub struct DiceCe {
    dice: Dice,
}

impl DiceCe {
    /// `classes` are those of the Dice part.
    pub fn new(classes: Classes) -> Self {
        Self { dice: Dice { classes } }
    }
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry {
        needs: Needs::default(),
        parameters: Vec::new(),
        construct: |settings| Ok(Box::new(DiceCe::new(settings.classes()?))),
    }
}

impl Loss for DiceCe {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        let [batch, voxels, _] = head.logits.dims();
        let log_probabilities = activation::log_softmax(head.logits.clone(), 2);
        let cross_entropy = sum_voxels(head.target.one_hot() * log_probabilities).sum() / -((batch * voxels) as f32);
        Ok((cross_entropy + self.dice.value(head)?) * 0.5)
    }
}
