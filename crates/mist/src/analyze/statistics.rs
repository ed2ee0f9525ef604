//! Small statistics over the cases of a data set.

/// Median; the mean of the two middle values for an even count, 0 without values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => 0.0,
        Some(&upper) if sorted.len() % 2 == 1 => upper,
        Some(&upper) => (sorted[middle - 1] + upper) / 2.0,
    }
}

/// Sum by halves: its rounding error grows with the logarithm of the count, not with the count.
pub fn pairwise_sum(values: &[f64]) -> f64 {
    const SHORT: usize = 64;
    if values.len() <= SHORT {
        return values.iter().sum();
    }
    let (left, right) = values.split_at(values.len() / 2);
    pairwise_sum(left) + pairwise_sum(right)
}

/// Mean, 0 without values.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { pairwise_sum(values) / values.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_even_and_no_counts() {
        assert_eq!(median(&[5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn many_small_values_beside_a_large_one_are_not_lost() {
        let mut values = vec![1.0; 100_001];
        values[0] = 1e16;
        assert!(values.iter().sum::<f64>() == 1e16);
        assert!((pairwise_sum(&values) - (1e16 + 1e5)).abs() <= 100.0);
    }

    #[test]
    fn mean_of_values() {
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
        assert_eq!(mean(&[]), 0.0);
    }
}
