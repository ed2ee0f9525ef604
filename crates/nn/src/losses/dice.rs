//! Soft Dice loss with squared terms (Milletari et al. 2016).

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError};
use mist_ops::{Tensor, sum_voxels};

/// Keeps the quotient finite for a class that is nowhere.
const EPS: f32 = 1e-6;

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
        let (truth, probabilities) = head.of(self.classes);
        let error = sum_voxels((truth.clone() - probabilities.clone()).square());
        let mass = sum_voxels(truth.square()) + sum_voxels(probabilities.square()) + EPS;
        Ok((error / mass).mean())
    }
}
