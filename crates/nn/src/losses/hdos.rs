//! Hausdorff loss by distance maps of the truth, one-sided (Karimi and Salcudean 2019).

use super::{Classes, Loss, LossEntry, Needs, Segmentation, TargetError, dice_ce::DiceCe, weigh};
use mist_ops::Tensor;

/// `α · region + (1 − α) · mean((t − p)² · φ²)` over samples, foreground classes and voxels, with the distance φ to the
/// surface of the truth.
pub struct OneSidedHausdorff {
    region: DiceCe,
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry {
        needs: Needs { distance_maps: true, alpha: true, ..Needs::default() },
        parameters: Vec::new(),
        construct: |settings| Ok(Box::new(OneSidedHausdorff { region: DiceCe::new(settings.classes()?) })),
    }
}

impl Loss for OneSidedHausdorff {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        let (truth, probabilities) = head.preprocess(Classes::Foreground);
        let surface = ((truth - probabilities).square() * head.target.distance_maps()?.square()).mean();
        Ok(weigh(head, self.region.value(head)?, surface))
    }
}
