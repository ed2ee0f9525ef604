//! Ranks of numbers.

/// Ranks in ascending order, from 1; equal values share the mean of their places.
pub fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let mut place = 0;
    for group in order.chunk_by(|one, other| values[*one] == values[*other]) {
        // The mean of place + 1 ... place + length.
        let rank = place as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|index| ranks[*index] = rank);
        place += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(mid_ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(mid_ranks(&[0.0, -0.0]), [1.5, 1.5]);
        assert_eq!(mid_ranks(&[]), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn a_rank_counts_what_is_smaller_and_half_of_what_is_equal(values in proptest::collection::vec(0_u8..6, 0..12)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            for (value, rank) in values.iter().zip(mid_ranks(&values)) {
                let smaller = values.iter().filter(|other| *other < value).count() as f64;
                let equal = values.iter().filter(|other| *other == value).count() as f64;
                prop_assert_eq!(rank, smaller + (equal + 1.0) / 2.0);
            }
        }
    }
}
