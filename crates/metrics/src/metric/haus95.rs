//! 95th percentile of the Hausdorff distance.

use super::{Direction, Metric, Settings, Worst};
use crate::Comparison;

/// Fraction of each surface that is within the distance.
const FRACTION: f64 = 0.95;

/// In each direction the distance in mm within which 95 % of the surface area lies; the larger of the two.
pub(super) const METRIC: Metric = Metric {
    name: "haus95",
    direction: Direction::Lower,
    best: 0.0,
    worst: Worst::ImageDiagonal,
    parameters: &[],
    compute,
};

fn compute(comparison: &Comparison, _: &Settings) -> f64 {
    let surfaces = comparison.surfaces();
    let directed = [&surfaces.truth, &surfaces.prediction].map(|surface| surface.percentile(FRACTION));
    // A mask that is not empty has a surface.
    directed.into_iter().map(|distance| distance.unwrap_or(f64::INFINITY)).fold(0.0, f64::max)
}
