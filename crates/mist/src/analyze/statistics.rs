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
///
/// The order of the additions is NumPy's, so that parameters in `config.json` agree to the last digit with those that
/// the reference writes.
pub fn pairwise_sum(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    const SHORT: usize = 128;
    if values.len() < LANES {
        return values.iter().sum();
    }
    if values.len() > SHORT {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % LANES);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let (groups, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for group in groups {
        for (sum, value) in sums.iter_mut().zip(group) {
            *sum += value;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
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
