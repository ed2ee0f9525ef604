//! Centerline Dice, for thin and branching structures (Shit et al. 2021).

use super::{Classes, Loss, LossEntry, LossSettings, Needs, Segmentation, SettingsError, TargetError};
use super::{dice_ce::DiceCe, morphology::Grid, weigh};
use mist_ops::{Tensor, sum_voxels};

const ITERATIONS: usize = 10;
/// More would outlast every structure in a patch; each keeps a dozen maps of the patch until the backward pass.
const MOST_ITERATIONS: usize = 100;
const SMOOTH: f64 = 1.0;

/// `α · region + (1 − α) · (1 − mean 2PR/(P + R))`, the mean over samples and foreground classes, with the share `P` of the
/// prediction's skeleton inside the truth, `(Σ s(p)·t + m)/(Σ s(p) + m)`, and `R` of the truth's inside the prediction.
pub struct CenterlineDice {
    region: DiceCe,
    iterations: usize,
    smooth: f32,
}

impl CenterlineDice {
    /// Reads `iterations` of the skeleton and `smooth`, the m above.
    pub(super) fn new(settings: &LossSettings) -> Result<Self, SettingsError> {
        Ok(Self {
            region: DiceCe::new(settings.classes()?),
            iterations: settings.count("iterations", ITERATIONS, MOST_ITERATIONS)?,
            smooth: settings.positive("smooth", SMOOTH)? as f32,
        })
    }

    /// Parameters that it knows.
    pub(super) const PARAMETERS: &'static [&'static str] = &["iterations", "smooth"];
}

/// How the registry offers it.
pub fn entry() -> LossEntry {
    LossEntry {
        needs: Needs { alpha: true, ..Needs::default() },
        parameters: CenterlineDice::PARAMETERS.to_vec(),
        construct: |settings| Ok(Box::new(CenterlineDice::new(settings)?)),
    }
}

impl Loss for CenterlineDice {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        let (truth, probabilities) = head.preprocess(Classes::Foreground);
        let size = head.target.size();
        let skeleton = |values| Grid::new(values, size).skeleton(self.iterations).into_values();
        let of_truth =
            head.target.derived(format!("skeleton by {} iterations", self.iterations), || skeleton(truth.clone()));
        let share = |skeleton: Tensor<3>, volume: Tensor<3>| {
            let inside = sum_voxels(skeleton.clone() * volume) + self.smooth;
            inside / (sum_voxels(skeleton) + self.smooth)
        };
        let precision = share(skeleton(probabilities.clone()), truth);
        let sensitivity = share(of_truth, probabilities);
        let both = precision.clone() * sensitivity.clone() * 2.0 / (precision + sensitivity);
        Ok(weigh(head, self.region.value(head)?, -both.mean() + 1.0))
    }
}
