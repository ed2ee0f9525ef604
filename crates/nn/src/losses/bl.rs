//! Boundary loss (Kervadec et al. 2019).

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError, dice_ce::DiceCe, weigh};
use mist_ops::Tensor;

/// `α · region + (1 − α) · mean(φ · p)` over samples, foreground classes and voxels, with the signed distance φ, negative inside. It can
/// be negative.
pub struct Boundary {
    region: DiceCe,
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry {
        needs: Needs { distance_maps: true, alpha: true, ..Needs::default() },
        parameters: Vec::new(),
        construct: |settings| Ok(Box::new(Boundary { region: DiceCe::new(settings.classes()?) })),
    }
}

impl Loss for Boundary {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        let (_, probabilities) = head.preprocess(Classes::Foreground);
        let surface = (head.target.distance_maps()? * probabilities).mean();
        Ok(weigh(head, self.region.value(head)?, surface))
    }
}
