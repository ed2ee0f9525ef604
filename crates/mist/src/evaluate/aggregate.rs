//! The summary of a column of results.

use mist_metrics::summation::pairwise;

/// Ids of the summary rows, in their order at the end of `results.csv`.
pub const AGGREGATES: [&str; 5] = ["Mean", "Std", "25th Percentile", "Median", "75th Percentile"];

/// The summaries of a column in the order of [`AGGREGATES`], without its missing cells; `None` for a column that has
/// nothing else. `Std` is that of a population (divisor n).
pub fn aggregate(column: &[Option<f64>]) -> [Option<f64>; 5] {
    let mut present: Vec<f64> = column.iter().flatten().copied().collect();
    if present.is_empty() {
        return [None; 5];
    }
    let count = present.len() as f64;
    // Missing cells are summed as zeros, so that the last bit is that of tables written with NumPy.
    let sum_of =
        |value: &dyn Fn(f64) -> f64| pairwise(&column.iter().map(|cell| cell.map_or(0.0, value)).collect::<Vec<_>>());
    let mean = sum_of(&|value| value) / count;
    let variance = sum_of(&|value| (value - mean) * (value - mean)) / count;
    present.sort_unstable_by(f64::total_cmp);
    let percentile = |fraction| Some(percentile(&present, fraction));
    [Some(mean), Some(variance.sqrt()), percentile(0.25), percentile(0.5), percentile(0.75)]
}

/// Value at rank `fraction·(n − 1)` of ascending values, linear between ranks, from the nearer end.
fn percentile(sorted: &[f64], fraction: f64) -> f64 {
    let rank = fraction * (sorted.len() - 1) as f64;
    let below = sorted[rank as usize];
    let above = sorted[(rank as usize + 1).min(sorted.len() - 1)];
    let part = rank.fract();
    if part >= 0.5 { above - (above - below) * (1.0 - part) } else { below + (above - below) * part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_ranks() {
        let column = [4.0, 1.0, 3.0, 2.0].map(Some);
        assert_eq!(aggregate(&column), [2.5, 1.25_f64.sqrt(), 1.75, 2.5, 3.25].map(Some));
    }

    #[test]
    fn missing_cells_do_not_count() {
        assert_eq!(aggregate(&[None, Some(3.0), None]), [3.0, 0.0, 3.0, 3.0, 3.0].map(Some));
        assert_eq!(aggregate(&[None, None]), [None; 5]);
    }
}
