//! Lesion-wise surface Dice.

use super::{Direction, Metric, Parameter, Settings, Worst, surf_dice};
use crate::Comparison;
use crate::lesions::{DILATION_ITERS, GT_CONSOLIDATION_ITERS, Lesions, MIN_LESION_VOLUME};

/// The parameters of lesions, and the distance in mm at which two surfaces still agree.
const PARAMETERS: &[Parameter] = &[MIN_LESION_VOLUME, DILATION_ITERS, GT_CONSOLIDATION_ITERS, surf_dice::TOLERANCE];

/// Mean surface Dice over the lesions of the truth and the false positives; a lesion that was missed and a false
/// positive count 0.
pub(super) const METRIC: Metric = Metric {
    name: "lesion_wise_surf_dice",
    direction: Direction::Higher,
    best: 1.0,
    worst: Worst::Value(0.0),
    parameters: PARAMETERS,
    compute,
};

fn compute(comparison: &Comparison, settings: &Settings) -> f64 {
    let Ok(lesions) = Lesions::of(comparison, settings) else { return f64::NAN };
    lesions.mean(0.0, |lesion| (surf_dice::METRIC.compute)(lesion, settings)).unwrap_or(METRIC.best)
}
