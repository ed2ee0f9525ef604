//! Generalized surface loss (Celaya et al. 2024).

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError, dice_ce::DiceCe, weigh};
use mist_ops::{Tensor, sum_voxels};

/// Keeps the quotient finite for maps of zeros.
const EPS: f32 = 1e-6;

/// `α · region + (1 − α) · mean(1 − Σ(φ(1 − (t + p)))² / (Σφ² + ε))`, the mean over samples and foreground classes, with the
/// signed distance φ. 0 for a perfect prediction; no class weights.
pub struct GeneralizedSurface {
    region: DiceCe,
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry {
        needs: Needs { distance_maps: true, alpha: true, ..Needs::default() },
        parameters: Vec::new(),
        construct: |settings| Ok(Box::new(GeneralizedSurface { region: DiceCe::new(settings.classes()?) })),
    }
}

impl Loss for GeneralizedSurface {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        let (truth, probabilities) = head.preprocess(Classes::Foreground);
        let distances = head.target.distance_maps()?;
        let right = sum_voxels((distances.clone() * (-(truth + probabilities) + 1.0)).square());
        let surface = (-(right / (sum_voxels(distances.square()) + EPS)) + 1.0).mean();
        Ok(weigh(head, self.region.value(head)?, surface))
    }
}
