//! The depthwise convolution and its gradients against their formulas.

use proptest::prelude::*;

use super::data::{bits, dot, noise, relative, same_on_any_threads};
use crate::depthwise::{self, DepthwiseShape, forward_on, transposed_on, weight_gradient_on};
use crate::grouped::GroupedShape;
use crate::simd::Isa;
use crate::{ConvShape, reference};

struct Case {
    shape: DepthwiseShape,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

impl Case {
    fn new(shape: DepthwiseShape) -> Self {
        Self {
            shape,
            x: noise(1, shape.input_len()),
            weight: noise(2, shape.weight_len()),
            bias: noise(3, shape.channels),
            dy: noise(4, shape.output_len()),
        }
    }

    /// Forward pass, transposed form and weight gradient.
    fn passes(&self, isa: Isa) -> [Vec<f32>; 3] {
        [
            forward_on(isa, &self.shape, &self.x, &self.weight, Some(&self.bias)),
            transposed_on(isa, &self.shape, &self.dy, &self.weight, Some(&self.bias)),
            weight_gradient_on(isa, &self.shape, &self.x, &self.dy),
        ]
    }

    fn check(&self) {
        let DepthwiseShape { batch, input, channels, kernel, stride, padding } = self.shape;
        let whole = ConvShape { batch, input, in_channels: channels, out_channels: channels, kernel, stride, padding };
        let grouped = GroupedShape { whole, groups: channels };
        let truth = [
            reference::grouped::forward(&grouped, &self.x, &self.weight, Some(&self.bias)),
            reference::grouped::transposed(&grouped, &self.dy, &self.weight, Some(&self.bias)),
            reference::grouped::weight_gradient(&grouped, &self.x, &self.dy),
        ];
        let passes = self.passes(Isa::best());
        for (pass, (result, truth)) in ["forward", "transposed", "weight"].iter().zip(passes.iter().zip(&truth)) {
            let products = self.shape.output_len() / channels.max(1) * self.shape.weight_len();
            let error = relative(result, truth, products);
            assert!(error <= 1e-6, "{pass}: relative error {error:e} of {:?}", self.shape);
        }
        for isa in Isa::all() {
            for (fast, other) in passes.iter().zip(self.passes(isa)) {
                assert!(bits(fast) == bits(&other), "{isa:?} differs for {:?}", self.shape);
            }
        }
    }
}

fn cube(size: usize, channels: usize, kernel: usize, stride: usize) -> DepthwiseShape {
    DepthwiseShape {
        batch: 2,
        input: [size; 3],
        channels,
        kernel: [kernel; 3],
        stride: [stride; 3],
        padding: [kernel / 2; 3],
    }
}

/// Small shapes of every kind, also such that the kernel fits nowhere.
fn shapes() -> impl Strategy<Value = DepthwiseShape> {
    let axis = (1usize..15, 1usize..8, 1usize..4, 0usize..4);
    (0usize..3, [axis.clone(), axis.clone(), axis], 1usize..40).prop_map(|(batch, axes, channels)| DepthwiseShape {
        batch,
        input: axes.map(|axis| axis.0),
        channels,
        kernel: axes.map(|axis| axis.1),
        stride: axes.map(|axis| axis.2),
        padding: axes.map(|axis| axis.3),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_shape_agrees_with_the_formula(shape in shapes()) {
        Case::new(shape).check();
    }
}

#[test]
fn layers_of_mednext_agree_with_the_formula() {
    for shape in [
        cube(13, 32, 3, 1),
        cube(12, 32, 5, 1),
        cube(11, 16, 7, 1),
        cube(12, 48, 3, 2),
        cube(11, 16, 5, 2),
        cube(9, 16, 7, 2),
        cube(1, 64, 3, 1),
        DepthwiseShape { input: [1, 40, 3], kernel: [1, 7, 3], padding: [0, 3, 1], ..cube(1, 17, 3, 1) },
        DepthwiseShape { batch: 0, ..cube(5, 32, 3, 1) },
    ] {
        Case::new(shape).check();
    }
}

#[test]
fn a_nan_reaches_only_the_voxels_that_read_it() {
    let shape = DepthwiseShape { batch: 1, ..cube(6, 1, 3, 1) };
    let mut x = noise(1, shape.input_len());
    x[0] = f32::NAN;
    let y = depthwise::forward(&shape, &x, &noise(2, shape.weight_len()), None);
    let reads = |i: usize| [i / 36, i / 6 % 6, i % 6].iter().all(|&position| position < 2);
    assert!(y.iter().enumerate().all(|(i, value)| value.is_nan() == reads(i)));
}

#[test]
fn the_gradients_predict_small_changes() {
    for shape in [cube(7, 5, 3, 1), cube(9, 20, 5, 2)] {
        let Case { x, weight, dy, .. } = Case::new(shape);
        let measured = |move_x: f32, move_weight: f32| {
            let moved = |values: &[f32], by: f32, seed: u64| -> Vec<f32> {
                values.iter().zip(noise(seed, values.len())).map(|(value, step)| value + by * step).collect()
            };
            dot(&dy, &depthwise::forward(&shape, &moved(&x, move_x, 5), &moved(&weight, move_weight, 6), None))
        };
        let by_x = dot(&depthwise::input_gradient(&shape, &dy, &weight), &noise(5, x.len()));
        let by_weight = dot(&depthwise::weight_gradient(&shape, &x, &dy), &noise(6, weight.len()));
        let step = 1e-2;
        for (name, measured, predicted) in [
            ("input", measured(step, 0.0) - measured(-step, 0.0), by_x),
            ("weight", measured(0.0, step) - measured(0.0, -step), by_weight),
        ] {
            let slope = measured / f64::from(2.0 * step);
            let scale = 1e-4 * (dy.len() as f64 * 27.0).sqrt();
            assert!((slope - predicted).abs() < scale, "{name}: {slope} {predicted} for {shape:?}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for shape in [cube(18, 40, 3, 1), cube(19, 16, 5, 2), cube(6, 64, 7, 1)] {
        let case = Case::new(shape);
        same_on_any_threads(|| case.passes(Isa::best()).concat());
    }
}
