//! Lesion-wise 95th percentile of the Hausdorff distance.

use super::{Direction, Metric, Settings, Worst, haus95};
use crate::Comparison;
use crate::lesions::{Lesions, PARAMETERS};

/// Mean `haus95` in mm over the lesions of the truth and the false positives. A lesion that was missed and a false
/// positive count the diagonal of the box around both masks, not that of the image: tables of the reference do.
pub(super) const METRIC: Metric = Metric {
    name: "lesion_wise_haus95",
    direction: Direction::Lower,
    best: 0.0,
    worst: Worst::ImageDiagonal,
    parameters: PARAMETERS,
    compute,
};

fn compute(comparison: &Comparison, settings: &Settings) -> f64 {
    let Ok(lesions) = Lesions::of(comparison, settings) else { return f64::NAN };
    let mean = lesions.mean(comparison.crop_diagonal(), |lesion| (haus95::METRIC.compute)(lesion, settings));
    mean.unwrap_or(METRIC.best)
}
