//! Soft Dice loss with squared terms (Milletari et al. 2016).

use super::{Classes, Loss, LossEntry, Segmentation};
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
    LossEntry { composite: false, build: |classes| Box::new(Dice { classes }) }
}

impl Loss for Dice {
    fn value(&self, prediction: &Segmentation) -> Tensor<1> {
        let (truth, probabilities) = (prediction.truth.clone(), prediction.probabilities.clone());
        let error = sum_voxels((truth.clone() - probabilities.clone()).square());
        let mass = sum_voxels(truth.square()) + sum_voxels(probabilities.square()) + EPS;
        let per_class = error / mass;
        let classes = per_class.dims()[1];
        match self.classes {
            Classes::All => per_class.mean(),
            Classes::Foreground => per_class.narrow(1, 1, classes - 1).mean(),
        }
    }
}
