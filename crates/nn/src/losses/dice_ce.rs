//! Mean of soft Dice and cross entropy (Isensee et al. 2021 use their sum). The region term of the composite losses.

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError};
use mist_ops::Tensor;

/// `½(cross entropy + Dice)`. Cross entropy is the mean over all voxels of `−log softmax(z)[y]`, by the weights of the
/// labels, or of the cross entropies of regions; it always sees every output.
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
        Ok(head.region_loss(0.5, 0.5, self.classes))
    }
}
