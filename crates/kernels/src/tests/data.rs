//! Numbers for tests, and how to compare them.

use proptest::prelude::*;

use crate::conv::ConvShape;

/// `len` values in -1..1, a function of the seed.
pub fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Largest absolute difference as a fraction of the root mean square of `truth`.
pub fn error(result: &[f32], truth: &[f32]) -> f64 {
    assert_eq!(result.len(), truth.len());
    let square = |value: f32| f64::from(value).powi(2);
    let rms = (truth.iter().map(|&value| square(value)).sum::<f64>() / truth.len().max(1) as f64).sqrt();
    let worst = result.iter().zip(truth).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    if worst == 0.0 { 0.0 } else { worst / rms.max(1e-30) }
}

/// L2 norm of the difference as a fraction of that of `truth`, or of the norm to be expected where the few values of a small
/// `truth` happen to be sums that cancel. `products` of [`noise`] were summed up for all values together.
pub fn relative(result: &[f32], truth: &[f32], products: usize) -> f64 {
    assert_eq!(result.len(), truth.len());
    let square = |value: f32| f64::from(value).powi(2);
    let difference = result.iter().zip(truth).map(|(a, b)| square(a - b)).sum::<f64>();
    let norm = truth.iter().map(|&value| square(value)).sum::<f64>();
    // A product of two values that are uniform in -1..1 has the variance 1/9.
    if difference == 0.0 { 0.0 } else { (difference / norm.max(products as f64 / 9.0)).sqrt() }
}

/// `sum of a * b`.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Small convolutions of every kind, all of which fit their input.
pub fn conv_shapes() -> impl Strategy<Value = ConvShape> {
    let axis = (1usize..9, 1usize..5, 1usize..4, 0usize..3);
    (1usize..3, [axis.clone(), axis.clone(), axis], 1usize..41, 1usize..41)
        .prop_map(|(batch, axes, in_channels, out_channels)| ConvShape {
            batch,
            input: axes.map(|axis| axis.0),
            in_channels,
            out_channels,
            kernel: axes.map(|axis| axis.1),
            stride: axes.map(|axis| axis.2),
            padding: axes.map(|axis| axis.3),
        })
        .prop_filter("the kernel fits", |shape| shape.output().iter().all(|&size| size > 0))
}

/// The bits of some values.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Asserts that `work` gives the same bits on 1, 2 and 4 threads.
pub fn same_on_any_threads(work: impl Fn() -> Vec<f32> + Sync) {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        bits(&pool.install(&work))
    };
    let one = on(1);
    assert!(one == on(2) && one == on(4), "the result depends on the number of threads");
}
