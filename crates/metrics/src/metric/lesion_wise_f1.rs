//! Lesion-wise F1 score.

use super::{Direction, Metric, Settings, Worst};
use crate::Comparison;
use crate::lesions::{Lesions, PARAMETERS};

/// `2·TP / (2·TP + FP + FN)` where TP are the lesions that were detected, FN those that were missed, and FP the predicted
/// components that belong to no lesion.
pub(super) const METRIC: Metric = Metric {
    name: "lesion_wise_f1",
    direction: Direction::Higher,
    best: 1.0,
    worst: Worst::Value(0.0),
    parameters: PARAMETERS,
    compute,
};

fn compute(comparison: &Comparison, settings: &Settings) -> f64 {
    let Ok(lesions) = Lesions::of(comparison, settings) else { return f64::NAN };
    let wrong = lesions.count() - lesions.detected() + lesions.false_positives();
    let right = 2 * lesions.detected();
    if right + wrong == 0 {
        return METRIC.best;
    }
    right as f64 / (right + wrong) as f64
}
