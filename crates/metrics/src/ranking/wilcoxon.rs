//! Wilcoxon's signed-rank test of paired differences.

use super::mid_ranks;

/// Differences without zeros and ties are tested exactly up to this number.
const MOST_EXACT: usize = 50;
/// So are all others up to this one.
const MOST_EXACT_WITH_TIES: usize = 13;

/// p-value of the one-sided test that differences are smaller than 0; 1 where all are 0.
///
/// Zeros are dropped. For few differences the p-value is exact: the share of all assignments of signs to the ranks of the
/// sizes with a rank sum of the positive ones as small as the one found. Otherwise it comes from a normal distribution with
/// the variance corrected for ties, without continuity correction. Sizes are equal only if the numbers are.
///
/// Wilcoxon, *Individual comparisons by ranking methods*, 1945; the choice between the two as in SciPy.
pub fn signed_rank_less(differences: &[f64]) -> f64 {
    let nonzero: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    if nonzero.is_empty() {
        return 1.0;
    }
    let sizes: Vec<f64> = nonzero.iter().map(|difference| difference.abs()).collect();
    let ranks = mid_ranks(&sizes);
    let positive: f64 = ranks.iter().zip(&nonzero).filter(|(_, value)| **value > 0.0).map(|(rank, _)| rank).sum();
    let mut groups = ranks.clone();
    groups.sort_by(f64::total_cmp);
    let ties: Vec<f64> = groups.chunk_by(|one, other| one == other).map(|group| group.len() as f64).collect();
    let has_ties = ties.len() < ranks.len() || nonzero.len() < differences.len();
    let count = differences.len();
    if count <= MOST_EXACT_WITH_TIES || count <= MOST_EXACT && !has_ties {
        exact(&ranks, positive)
    } else {
        normal(ranks.len() as f64, positive, &ties)
    }
}

/// Share of the subsets of the ranks with a sum of at most `positive`. Ranks are multiples of a half: twice as large they are
/// whole, and the number of subsets with each sum follows rank by rank. As shares, since their number grows beyond 2^53.
fn exact(ranks: &[f64], positive: f64) -> f64 {
    let doubled: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
    let mut shares = vec![0.0; doubled.iter().sum::<usize>() + 1];
    shares[0] = 1.0;
    for rank in doubled {
        for sum in (0..shares.len()).rev() {
            let with = sum.checked_sub(rank).map_or(0.0, |rest| shares[rest]);
            shares[sum] = (shares[sum] + with) / 2.0;
        }
    }
    shares[..=(2.0 * positive) as usize].iter().sum::<f64>().min(1.0)
}

/// `ties`: how many ranks are equal, group by group.
fn normal(count: f64, positive: f64, ties: &[f64]) -> f64 {
    let mean = count * (count + 1.0) / 4.0;
    let correction: f64 = ties.iter().map(|size| size.powi(3) - size).sum::<f64>() / 2.0;
    let variance = (count * (count + 1.0) * (2.0 * count + 1.0) - correction) / 24.0;
    let deviation = (positive - mean) / variance.sqrt();
    // The normal distribution up to `deviation`.
    0.5 * libm::erfc(-deviation / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn p_values_are_those_of_the_reference() {
        let text = include_str!("../../../../tests/golden/ranking/wilcoxon.json");
        let cases: serde_json::Value = serde_json::from_str(text).unwrap();
        for (name, case) in cases.as_object().unwrap() {
            let differences: Vec<f64> = serde_json::from_value(case["difference"].clone()).unwrap();
            let expected = case["p_less"].as_f64().unwrap();
            let found = signed_rank_less(&differences);
            // Sums of shares and of counts round differently.
            assert!((found - expected).abs() <= 1e-12, "{name}: {found} instead of {expected}");
        }
    }

    proptest! {
        #[test]
        fn exact_values_count_assignments_of_signs(values in proptest::collection::vec(-4_i8..5, 1..9)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let nonzero: Vec<f64> = values.iter().copied().filter(|value| *value != 0.0).collect();
            prop_assume!(!nonzero.is_empty());
            let ranks = mid_ranks(&nonzero.iter().map(|value| value.abs()).collect::<Vec<_>>());
            let sum = |is_positive: &dyn Fn(usize) -> bool| -> f64 {
                ranks.iter().enumerate().filter(|(at, _)| is_positive(*at)).map(|(_, rank)| rank).sum()
            };
            let found = sum(&|at| nonzero[at] > 0.0);
            let all = 1_usize << ranks.len();
            let as_small = (0..all).filter(|signs| sum(&|at| signs >> at & 1 == 1) <= found).count();
            prop_assert!((signed_rank_less(&values) - as_small as f64 / all as f64).abs() < 1e-12);
        }
    }
}
