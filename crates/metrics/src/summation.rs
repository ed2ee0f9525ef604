//! Sums of many doubles.

/// Values summed without recursion.
const BLOCK: usize = 128;

/// Running sums inside a block.
const LANES: usize = 8;

/// Pairwise summation: the error grows with the logarithm of the length instead of the length.
/// Blocks, lanes and halving are those of NumPy, so that sums have the same bits as tables written with it.
/// (Higham, *The accuracy of floating point summation*, SIAM J. Sci. Comput. 14, 1993.)
pub fn pairwise(values: &[f64]) -> f64 {
    if values.len() > BLOCK {
        let half = values.len() / 2;
        let (first, second) = values.split_at(half - half % LANES);
        return pairwise(first) + pairwise(second);
    }
    let mut chunks = values.chunks_exact(LANES);
    let Some(first) = chunks.next() else {
        return values.iter().fold(0.0, |sum, value| sum + value);
    };
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(first);
    for chunk in chunks.by_ref() {
        for lane in 0..LANES {
            lanes[lane] += chunk[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    chunks.remainder().iter().fold(sum, |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_add_up_exactly_at_every_length() {
        for length in [0_usize, 1, 7, 8, 9, 127, 128, 129, 136, 1000, 12345] {
            let values: Vec<f64> = (1..=length).map(|value| value as f64).collect();
            assert_eq!(pairwise(&values), (length * (length + 1) / 2) as f64, "length {length}");
        }
    }

    #[test]
    fn rounding_errors_do_not_pile_up() {
        let values = vec![0.1; 1_000_000];
        let sequential: f64 = values.iter().sum();
        assert!((pairwise(&values) - 100_000.0).abs() < 1e-10);
        assert!((sequential - 100_000.0).abs() > 1e-7, "a running sum is visibly worse");
    }
}
