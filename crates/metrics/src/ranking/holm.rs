//! Correction of p-values for their number.

/// p-values adjusted by Holm's step-down method (*A simple sequentially rejective multiple test procedure*, 1979), in the order
/// of the input: the smallest of `n` counts `n` times, the next one `n − 1` times, and so on; none falls below one before it,
/// and none exceeds 1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (place, index) in order.into_iter().enumerate() {
        largest = largest.max((p_values.len() - place) as f64 * p_values[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_values_count_more_often() {
        // 4 · 0.01, 3 · 0.03, 2 · 0.125, and the last one as it is.
        assert_eq!(holm(&[0.01, 0.25, 0.03, 0.125]), [0.04, 0.25, 0.09, 0.25]);
        assert_eq!(holm(&[0.5, 0.75]), [1.0, 1.0]);
        assert_eq!(holm(&[0.3]), [0.3]);
        assert_eq!(holm(&[]), [0.0; 0]);
    }
}
