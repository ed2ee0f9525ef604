//! Surface Dice at a tolerance.

use super::{Direction, Metric, Parameter, Settings, Worst};
use crate::Comparison;

/// Distance in mm at which two surfaces still agree.
pub(super) const TOLERANCE: Parameter = Parameter { name: "tolerance", default: 1.0 };

/// Fraction of both surfaces, by area, that is at most the tolerance away from the other one (Nikolov et al.,
/// *Clinically applicable segmentation of head and neck anatomy for radiotherapy*, J. Med. Internet Res. 23, 2021).
pub(super) const METRIC: Metric = Metric {
    name: "surf_dice",
    direction: Direction::Higher,
    best: 1.0,
    worst: Worst::Value(0.0),
    parameters: &[TOLERANCE],
    compute,
};

fn compute(comparison: &Comparison, settings: &Settings) -> f64 {
    let tolerance = settings.value(&TOLERANCE);
    let surfaces = comparison.surfaces();
    (surfaces.truth.area_within(tolerance) + surfaces.prediction.area_within(tolerance))
        / (surfaces.truth.area() + surfaces.prediction.area())
}
