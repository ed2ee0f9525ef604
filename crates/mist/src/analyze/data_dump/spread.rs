//! The statistics that the data dump gives of a list of numbers.

use crate::analyze::statistics::mean;
use mist_volume::percentile::{percentile_f32, percentile_f64};
use serde::Serialize;

/// Rounds to a number of decimals: the exact binary value, halves to even.
pub fn rounded(value: f64, decimals: usize) -> f64 {
    format!("{value:.decimals$}").parse().unwrap_or(value)
}

/// Population standard deviation, 0 without values.
pub fn standard_deviation(values: &[f64]) -> f64 {
    let center = mean(values);
    mean(&values.iter().map(|value| (value - center).powi(2)).collect::<Vec<_>>()).sqrt()
}

/// Seven numbers of a list, to four decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    pub std: f64,
    pub min: f64,
    pub p25: f64,
    pub median: f64,
    pub p75: f64,
    pub max: f64,
}

impl Spread {
    /// All 0 without values.
    pub fn of(values: &[f64]) -> Self {
        let mut scratch = values.to_vec();
        let mut percentile = |percent| rounded(percentile_f64(&mut scratch, percent).unwrap_or(0.0), DECIMALS);
        Self {
            min: percentile(0.0),
            p25: percentile(25.0),
            median: percentile(50.0),
            p75: percentile(75.0),
            max: percentile(100.0),
            mean: rounded(mean(values), DECIMALS),
            std: rounded(standard_deviation(values), DECIMALS),
        }
    }
}

/// Nine numbers of the intensities of a channel, to four decimals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IntensitySpread {
    pub mean: f64,
    pub std: f64,
    pub p01: f64,
    pub p05: f64,
    pub p25: f64,
    pub p50: f64,
    pub p75: f64,
    pub p95: f64,
    pub p99: f64,
}

impl IntensitySpread {
    /// Of samples, which are reordered; `None` without any.
    pub fn of(samples: &mut [f32]) -> Option<Self> {
        if samples.is_empty() {
            return None;
        }
        let wide: Vec<f64> = samples.iter().map(|&value| f64::from(value)).collect();
        // What is counted in f32 is told in f32.
        let short = |value: f32| rounded(f64::from(value), DECIMALS);
        let mut percentile = |percent| short(percentile_f32(samples, percent).unwrap_or(0.0));
        Some(Self {
            p01: percentile(1.0),
            p05: percentile(5.0),
            p25: percentile(25.0),
            p50: percentile(50.0),
            p75: percentile(75.0),
            p95: percentile(95.0),
            p99: percentile(99.0),
            mean: short(mean(&wide) as f32),
            std: short(standard_deviation(&wide) as f32),
        })
    }
}

const DECIMALS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_to_even_and_the_binary_value_counts() {
        assert_eq!(rounded(0.125, 2), 0.12);
        assert_eq!(rounded(0.375, 2), 0.38);
        // 2.675 is a little less in binary.
        assert_eq!(rounded(2.675, 2), 2.67);
    }

    #[test]
    fn spread_of_a_few_numbers() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((spread.mean, spread.std), (2.5, 1.118));
        assert_eq!([spread.min, spread.p25, spread.median, spread.p75, spread.max], [1.0, 1.75, 2.5, 3.25, 4.0]);
        assert_eq!(Spread::of(&[]), Spread::default());
    }

    #[test]
    fn no_samples_have_no_intensities() {
        assert_eq!(IntensitySpread::of(&mut []), None);
        let spread = IntensitySpread::of(&mut [3.0, 1.0]).unwrap();
        assert_eq!((spread.mean, spread.std, spread.p50, spread.p99), (2.0, 1.0, 2.0, 2.98));
    }
}
