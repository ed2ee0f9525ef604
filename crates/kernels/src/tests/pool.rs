//! Pooling against its definition.

use proptest::prelude::*;

use super::data::{bits, dot, noise, same_on_any_threads};
use crate::pool::{self, Extremum, PoolShape, forward_on, input_gradient_on};
use crate::reference;
use crate::simd::Isa;

fn shapes() -> impl Strategy<Value = PoolShape> {
    let axis = (1usize..12, 1usize..5, 1usize..4, 0usize..3);
    (0usize..3, [axis.clone(), axis.clone(), axis], 1usize..20).prop_map(|(batch, axes, channels)| PoolShape {
        batch,
        input: axes.map(|axis| axis.0),
        channels,
        kernel: axes.map(|axis| axis.1),
        stride: axes.map(|axis| axis.2),
        padding: axes.map(|axis| axis.3.min(axis.1 / 2)),
    })
}

fn check(extremum: Extremum, shape: &PoolShape, x: &[f32]) {
    let dy = noise(7, shape.output_len());
    let y = reference::pool::forward(extremum, shape, x);
    let dx = reference::pool::input_gradient(extremum, shape, x, &dy);
    for isa in Isa::all() {
        assert!(bits(&forward_on(isa, extremum, shape, x)) == bits(&y), "{isa:?} {shape:?}");
        // Sums of both are in index order, so that only the sign of a zero may differ.
        assert!(input_gradient_on(isa, extremum, shape, x, &dy) == dx, "{isa:?} {shape:?}");
    }
}

fn cube(size: usize, channels: usize, kernel: usize, stride: usize, padding: usize) -> PoolShape {
    PoolShape { batch: 2, input: [size; 3], channels, kernel: [kernel; 3], stride: [stride; 3], padding: [padding; 3] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_shape_agrees_with_the_definition(shape in shapes(), levels in 1u8..6) {
        // Few distinct values, so that many are equal.
        let x: Vec<f32> =
            noise(1, shape.input_len()).iter().map(|value| (value * f32::from(levels)).round()).collect();
        check(Extremum::Max, &shape, &x);
        check(Extremum::Min, &shape, &x);
    }
}

#[test]
fn poolings_of_the_losses_agree_with_the_definition() {
    for shape in [
        cube(9, 3, 3, 1, 1),
        cube(8, 3, 2, 2, 0),
        PoolShape { kernel: [3, 1, 1], padding: [1, 0, 0], ..cube(7, 2, 3, 1, 1) },
        PoolShape { kernel: [1, 1, 3], padding: [0, 0, 1], ..cube(7, 2, 3, 1, 1) },
    ] {
        let x = noise(1, shape.input_len());
        check(Extremum::Max, &shape, &x);
        check(Extremum::Min, &shape, &x);
    }
}

#[test]
fn the_first_of_equal_values_gets_the_gradient() {
    let shape = PoolShape { batch: 1, ..cube(2, 1, 2, 1, 0) };
    let dx = pool::input_gradient(Extremum::Max, &shape, &[1.0, 5.0, 5.0, 0.0, 5.0, 2.0, 3.0, 4.0], &[2.0]);
    assert_eq!(dx, [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn infinities_are_values_and_a_nan_wins() {
    let shape = PoolShape { batch: 1, input: [1, 1, 4], kernel: [1, 1, 2], padding: [0; 3], ..cube(1, 1, 1, 1, 0) };
    for (extremum, infinity) in [(Extremum::Max, f32::NEG_INFINITY), (Extremum::Min, f32::INFINITY)] {
        let x = [infinity, infinity, 1.0, f32::NAN];
        let y = pool::forward(extremum, &shape, &x);
        assert_eq!((y[0], y[1], y[2].is_nan()), (infinity, 1.0, true));
        assert_eq!(pool::input_gradient(extremum, &shape, &x, &[1.0, 2.0, 3.0]), [1.0, 0.0, 2.0, 3.0]);
    }
}

#[test]
fn the_gradient_predicts_small_changes() {
    let shape = cube(6, 3, 3, 1, 1);
    // Distinct values, so that a small step changes no choice.
    let x: Vec<f32> = (0..shape.input_len()).map(|i| (i * 7919 % shape.input_len()) as f32).collect();
    let (dy, step) = (noise(1, shape.output_len()), noise(2, x.len()));
    let moved = |sign: f32| {
        let x: Vec<f32> = x.iter().zip(&step).map(|(x, step)| x + sign * 0.25 * step).collect();
        dot(&dy, &pool::forward(Extremum::Max, &shape, &x))
    };
    let (measured, predicted) =
        ((moved(1.0) - moved(-1.0)) / 0.5, dot(&pool::input_gradient(Extremum::Max, &shape, &x, &dy), &step));
    assert!((measured - predicted).abs() < 1e-2, "{measured} {predicted}");
}

#[test]
fn threads_do_not_change_a_bit() {
    let shape = cube(17, 5, 3, 1, 1);
    let (x, dy) = (noise(1, shape.input_len()), noise(2, shape.output_len()));
    same_on_any_threads(|| {
        let y = pool::forward(Extremum::Min, &shape, &x);
        [y, pool::input_gradient(Extremum::Min, &shape, &x, &dy)].concat()
    });
}
