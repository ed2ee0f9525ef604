//! Mean of soft Dice and cross entropy (Isensee et al. 2021 use their sum). The region term of the composite losses.

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError, dice};
use mist_ops::{RegionLoss, Tensor};

/// `½(cross entropy + Dice)`. Cross entropy is the mean of `−log softmax(z)[y]` over all voxels and always
/// sees every class.
pub struct DiceCe {
    classes: Classes,
}

impl DiceCe {
    /// `classes` are those of the Dice part.
    pub fn new(classes: Classes) -> Self {
        Self { classes }
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
        let first_class = self.classes.first();
        Ok(head.region_loss(RegionLoss { cross_entropy: 0.5, dice: 0.5, first_class, eps: dice::EPS }))
    }
}
