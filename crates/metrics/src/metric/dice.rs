//! Dice coefficient.

use super::{Direction, Metric, Settings, Worst};
use crate::Comparison;

/// `2·|T ∧ P| / (|T| + |P|)` (Dice, *Measures of the amount of ecologic association between species*, Ecology 26, 1945).
pub(super) const METRIC: Metric = Metric {
    name: "dice",
    direction: Direction::Higher,
    best: 1.0,
    worst: Worst::Value(0.0),
    parameters: &[],
    compute,
};

fn compute(comparison: &Comparison, _: &Settings) -> f64 {
    let both =
        comparison.truth().iter().zip(comparison.prediction()).filter(|(truth, prediction)| **truth && **prediction);
    2.0 * both.count() as f64 / (comparison.truth_voxels() + comparison.prediction_voxels()) as f64
}
