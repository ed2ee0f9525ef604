//! Lesion-wise Dice.

use super::{Direction, Metric, Settings, Worst, dice};
use crate::Comparison;
use crate::lesions::{Lesions, PARAMETERS};

/// Mean Dice over the lesions of the truth and the false positives; a lesion that was missed and a false positive count 0.
pub(super) const METRIC: Metric = Metric {
    name: "lesion_wise_dice",
    direction: Direction::Higher,
    best: 1.0,
    worst: Worst::Value(0.0),
    parameters: PARAMETERS,
    compute,
};

fn compute(comparison: &Comparison, settings: &Settings) -> f64 {
    let Ok(lesions) = Lesions::of(comparison, settings) else { return f64::NAN };
    lesions.mean(0.0, |lesion| (dice::METRIC.compute)(lesion, settings)).unwrap_or(METRIC.best)
}
