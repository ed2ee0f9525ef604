//! The metrics by name. A metric is one file with a [`Metric`] in it, and one line in `METRICS`.

mod avg_surf;
mod dice;
mod haus95;
mod lesion_wise_dice;
mod lesion_wise_f1;
mod lesion_wise_haus95;
mod lesion_wise_surf_dice;
mod surf_dice;

use crate::Comparison;
use crate::lesions::MIN_LESION_VOLUME;

/// Every metric, in alphabetical order.
static METRICS: &[&Metric] = &[
    &avg_surf::METRIC,
    &dice::METRIC,
    &haus95::METRIC,
    &lesion_wise_dice::METRIC,
    &lesion_wise_f1::METRIC,
    &lesion_wise_haus95::METRIC,
    &lesion_wise_surf_dice::METRIC,
    &surf_dice::METRIC,
];

/// Which values are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Larger is better.
    Higher,
    /// Smaller is better.
    Lower,
}

/// Value given to a prediction that missed the class altogether.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Worst {
    /// A number.
    Value(f64),
    /// The diagonal of the whole image in mm; what a distance cannot exceed.
    ImageDiagonal,
}

/// A number that the configuration may set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Key in the configuration.
    pub name: &'static str,
    /// Value where the configuration says nothing.
    pub default: f64,
}

/// What the configuration sets for one metric of one class; keys without a [`Parameter`] of that name have no effect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Vec<(String, f64)>);

impl Settings {
    /// Settings by key; of a key given twice the last counts.
    pub fn new(values: impl IntoIterator<Item = (String, f64)>) -> Self {
        Self(values.into_iter().collect())
    }

    /// The value of a parameter.
    pub fn value(&self, parameter: &Parameter) -> f64 {
        self.0.iter().rev().find(|(name, _)| name == parameter.name).map_or(parameter.default, |(_, value)| *value)
    }
}

/// A metric: what it is called, what its values mean, and how it is computed.
#[derive(Debug)]
pub struct Metric {
    /// Name in the configuration and in the columns of a table.
    pub name: &'static str,
    /// Which values are good.
    pub direction: Direction,
    /// Value of a perfect prediction, and of two empty masks.
    pub best: f64,
    /// Value when exactly one mask is empty.
    pub worst: Worst,
    /// What the configuration may set.
    pub parameters: &'static [Parameter],
    /// The value for two masks that are not empty.
    pub compute: fn(&Comparison, &Settings) -> f64,
}

/// Value of a metric for one class of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The value; always finite.
    pub value: f64,
    /// Said when the value is not what the metric computed.
    pub note: Option<String>,
}

impl Metric {
    /// The value for a class that one side missed altogether, in an image of that diagonal in mm.
    pub fn worst_value(&self, image_diagonal: f64) -> f64 {
        match self.worst {
            Worst::Value(value) => value,
            Worst::ImageDiagonal => image_diagonal,
        }
    }

    /// Whether the masks are taken apart into lesions.
    pub fn by_lesion(&self) -> bool {
        self.parameters.contains(&MIN_LESION_VOLUME)
    }

    /// Scores a class. Both masks empty is as good as can be, one empty as bad as can be; a value that is not finite
    /// counts as the worst, with a note.
    pub fn score(&self, comparison: &Comparison, settings: &Settings) -> Score {
        let value = match (comparison.truth_voxels(), comparison.prediction_voxels()) {
            (0, 0) => self.best,
            (0, _) | (_, 0) => self.worst_value(comparison.image_diagonal()),
            _ => (self.compute)(comparison, settings),
        };
        if value.is_finite() {
            return Score { value, note: None };
        }
        let worst = self.worst_value(comparison.image_diagonal());
        Score { value: worst, note: Some(format!("{} is {value}; counted as the worst value, {worst}", self.name)) }
    }
}

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name).copied()
}

/// Names of all metrics, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    METRICS.iter().map(|metric| metric.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_volume::distance::Lattice;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(names().is_sorted_by(|a, b| a < b));
        assert!(names().into_iter().all(|name| find(name).is_some_and(|metric| metric.name == name)));
        assert!(find("Dice").is_none());
    }

    #[test]
    fn a_value_that_is_not_finite_counts_as_the_worst() {
        let broken = Metric { name: "broken", compute: |_, _| f64::NAN, ..haus95::METRIC };
        let comparison = Comparison::new(&[true; 8], &[true; 8], Lattice::new([2; 3], [1.0; 3]).unwrap()).unwrap();
        let score = broken.score(&comparison, &Settings::default());
        assert_eq!(score.value, 12.0_f64.sqrt());
        assert!(score.note.is_some_and(|note| note.contains("broken is NaN")));
    }
}
