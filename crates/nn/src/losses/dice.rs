//! Soft Dice loss with squared terms (Milletari et al. 2016).

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError};
use mist_ops::Tensor;

/// Per sample and output `Σ(t − p)² / (Σt² + Σp² + ε)`, averaged over samples and, by their weights, outputs.
pub struct Dice {
    /// Which classes count.
    pub classes: Classes,
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry {
        needs: Needs::default(),
        parameters: Vec::new(),
        construct: |settings| Ok(Box::new(Dice { classes: settings.classes()? })),
    }
}

impl Loss for Dice {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        Ok(head.region_loss(0.0, 1.0, self.classes))
    }
}
