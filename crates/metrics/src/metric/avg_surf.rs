//! Average surface distance.

use super::{Direction, Metric, Settings, Worst};
use crate::Comparison;

/// Mean distance in mm to the other surface, weighted by area, over both surfaces together:
/// `(Σ d_T·A_T + Σ d_P·A_P) / (Σ A_T + Σ A_P)`.
pub(super) const METRIC: Metric = Metric {
    name: "avg_surf",
    direction: Direction::Lower,
    best: 0.0,
    worst: Worst::ImageDiagonal,
    parameters: &[],
    compute,
};

fn compute(comparison: &Comparison, _: &Settings) -> f64 {
    let surfaces = comparison.surfaces();
    (surfaces.truth.integral() + surfaces.prediction.integral()) / (surfaces.truth.area() + surfaces.prediction.area())
}
