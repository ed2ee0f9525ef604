//! The convolution and its gradients against their formulas.

use proptest::prelude::*;

use super::data::{bits, conv_shapes, dot, error, noise, same_on_any_threads};
use crate::conv::{self, ConvShape, Preparation, Prepared, forward_on, transposed_on, weight_gradient_on};
use crate::simd::Isa;
use crate::{bias_gradient, reference, winograd};

struct Case {
    shape: ConvShape,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

impl Case {
    fn new(shape: ConvShape) -> Self {
        Self {
            shape,
            x: noise(1, shape.input_len()),
            weight: noise(2, shape.weight_len()),
            bias: noise(3, shape.out_channels),
            dy: noise(4, shape.output_len()),
        }
    }

    /// Forward pass, input gradient and weight gradient.
    fn passes(&self, isa: Isa) -> [Vec<f32>; 3] {
        [
            forward_on(isa, &self.shape, &self.x, &self.weight, Some(&self.bias)),
            transposed_on(isa, &self.shape, &self.dy, &self.weight, None),
            weight_gradient_on(isa, &self.shape, &self.x, &self.dy),
        ]
    }

    fn check(&self, tolerance: f64) {
        let truth = [
            reference::conv::forward(&self.shape, &self.x, &self.weight, Some(&self.bias)),
            reference::conv::input_gradient(&self.shape, &self.dy, &self.weight),
            reference::conv::weight_gradient(&self.shape, &self.x, &self.dy),
        ];
        let passes = self.passes(Isa::best());
        for (pass, (result, truth)) in ["forward", "input", "weight"].iter().zip(passes.iter().zip(&truth)) {
            let error = error(result, truth);
            assert!(error < tolerance, "{pass}: error {error:e} of {:?}", self.shape);
        }
        for isa in Isa::all() {
            for (fast, other) in passes.iter().zip(self.passes(isa)) {
                assert!(bits(fast) == bits(&other), "{isa:?} differs for {:?}", self.shape);
            }
        }
        let forward = Prepared::forward(&self.shape, &self.weight).run(&self.shape, &self.x, Some(&self.bias));
        let transposed = Prepared::transposed(&self.shape, &self.weight).run(&self.shape, &self.dy, None);
        for (fast, prepared) in passes.iter().zip([forward, transposed]) {
            let same = prepared.is_some_and(|prepared| bits(fast) == bits(&prepared));
            assert!(same, "prepared weights differ for {:?}", self.shape);
        }
    }
}

fn cube(size: usize, in_channels: usize, out_channels: usize, kernel: usize, stride: usize) -> ConvShape {
    ConvShape {
        batch: 2,
        input: [size; 3],
        in_channels,
        out_channels,
        kernel: [kernel; 3],
        stride: [stride; 3],
        padding: [(kernel - 1) / 2; 3],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_shape_agrees_with_the_formula(shape in conv_shapes()) {
        Case::new(shape).check(2e-5);
    }
}

#[test]
fn layers_of_the_networks_agree_with_the_formula() {
    for shape in [
        cube(8, 1, 32, 3, 1),
        cube(8, 32, 3, 1, 1),
        cube(6, 32, 48, 3, 2),
        cube(5, 64, 32, 1, 1),
        cube(4, 32, 64, 1, 2),
        cube(1, 32, 32, 3, 1),
        ConvShape { kernel: [3, 3, 1], padding: [1, 1, 0], stride: [2, 2, 1], ..cube(6, 20, 40, 3, 1) },
    ] {
        Case::new(shape).check(2e-5);
    }
}

#[test]
fn winograd_tiles_agree_with_the_formula() {
    for shape in [
        cube(8, 16, 48, 3, 1),
        ConvShape { input: [13, 12, 14], batch: 1, ..cube(12, 16, 16, 3, 1) },
        ConvShape { input: [9, 6, 11], padding: [2, 1, 2], ..cube(8, 16, 32, 3, 1) },
        ConvShape { input: [14, 12, 15], padding: [0, 1, 0], batch: 1, ..cube(8, 32, 16, 3, 1) },
        ConvShape { batch: 1, ..cube(8, 128, 64, 3, 1) },
    ] {
        assert!(winograd::suits(&shape), "{shape:?}");
        Case::new(shape).check(5e-5);
    }
}

#[test]
fn weights_prepared_for_another_form_are_refused() {
    let large = cube(12, 16, 32, 3, 1);
    let weight = noise(2, large.weight_len());
    let prepared = Prepared::forward(&large, &weight);
    let refused = |shape: ConvShape| prepared.run(&shape, &noise(1, shape.input_len()), None).is_none();
    assert!(refused(cube(8, 16, 32, 3, 1)), "smaller tiles");
    assert!(refused(cube(4, 16, 32, 3, 1)), "the direct way");
    assert!(refused(cube(12, 16, 32, 3, 2)), "another stride");
    assert!(!refused(cube(13, 16, 32, 3, 1)), "the same tiles");
}

#[test]
fn preparation_takes_the_bytes_it_says() {
    // Tiles of 4x4x4 have 216 frequencies, those of 2x4x4 144; direct weights are padded to 16 output channels.
    assert_eq!(Preparation::forward(&cube(12, 16, 32, 3, 1)).bytes(), 4 * 216 * 16 * 32);
    assert_eq!(Preparation::transposed(&cube(8, 16, 32, 3, 1)).bytes(), 4 * 144 * 16 * 32);
    assert_eq!(Preparation::forward(&cube(8, 20, 3, 3, 2)).bytes(), 4 * 27 * 20 * 16);
    assert_eq!(Preparation::transposed(&cube(8, 3, 20, 2, 2)).bytes(), 4 * 8 * 20 * 16);
}

#[test]
fn a_kernel_larger_than_its_input_has_no_output() {
    let shape = ConvShape { padding: [0; 3], ..cube(2, 3, 5, 3, 1) };
    assert_eq!(shape.output(), [0; 3]);
    let (x, weight) = (noise(1, shape.input_len()), noise(2, shape.weight_len()));
    assert!(conv::forward(&shape, &x, &weight, None).is_empty());
    assert_eq!(conv::input_gradient(&shape, &[], &weight), vec![0.0; x.len()]);
    assert_eq!(conv::weight_gradient(&shape, &x, &[]), vec![0.0; weight.len()]);
}

#[test]
fn gradients_are_adjoint_to_the_forward_pass() {
    for shape in [cube(12, 32, 32, 3, 1), cube(8, 32, 48, 3, 1), cube(9, 24, 40, 3, 2), cube(7, 64, 3, 1, 1)] {
        let Case { x, weight, dy, .. } = Case::new(shape);
        let forward = dot(&dy, &conv::forward(&shape, &x, &weight, None));
        let scale = 1e-5 * (dy.len() as f64 * shape.weight_len() as f64 / shape.out_channels as f64).sqrt();
        let input = dot(&x, &conv::input_gradient(&shape, &dy, &weight));
        let weights = dot(&weight, &conv::weight_gradient(&shape, &x, &dy));
        assert!((forward - input).abs() < scale, "{forward} {input} for {shape:?}");
        assert!((forward - weights).abs() < scale, "{forward} {weights} for {shape:?}");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for shape in [
        cube(16, 32, 32, 3, 1),
        cube(9, 24, 40, 3, 2),
        cube(16, 32, 3, 1, 1),
        cube(16, 1, 32, 3, 1),
        cube(8, 128, 64, 3, 1),
    ] {
        let case = Case::new(shape);
        same_on_any_threads(|| case.passes(Isa::best()).concat());
        same_on_any_threads(|| bias_gradient(shape.out_channels, &case.dy));
    }
}

#[test]
fn bias_gradient_sums_all_voxels() {
    let dy = noise(9, 5000 * 7);
    assert!(error(&bias_gradient(7, &dy), &reference::conv::bias_gradient(7, &dy)) < 1e-6);
}
