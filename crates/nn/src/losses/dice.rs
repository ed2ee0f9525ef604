//! Soft Dice loss with squared terms (Milletari et al. 2016).

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError};
use mist_ops::{RegionLoss, Tensor};

/// Keeps the quotient finite for a class that is nowhere.
pub(super) const EPS: f64 = 1e-6;

/// Per sample and class `Σ(t − p)² / (Σt² + Σp² + ε)`, averaged over samples and classes.
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
        Ok(head.region_loss(RegionLoss { cross_entropy: 0.0, dice: 1.0, first_class: self.classes.first(), eps: EPS }))
    }
}
