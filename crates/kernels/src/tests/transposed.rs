//! The transposed convolution and its gradients against their formulas.

use proptest::prelude::*;

use super::data::{dot, noise, relative};
use crate::{TransposedShape, conv, reference};

struct Case {
    shape: TransposedShape,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn new(shape: TransposedShape) -> Self {
        let convolution = shape.convolution();
        Self {
            shape,
            x: noise(5, convolution.output_len()),
            weight: noise(6, convolution.weight_len()),
            bias: noise(7, shape.out_channels),
        }
    }

    fn check(&self) {
        let Self { shape, x, weight, bias } = self;
        let convolution = shape.convolution();
        let dy = noise(8, convolution.input_len());
        // Every weight meets every voxel of the smaller map, but for padding.
        let products = convolution.output_len() / convolution.out_channels.max(1) * convolution.weight_len();
        for (pass, fast, truth) in [
            (
                "forward",
                conv::transposed(&convolution, x, weight, Some(bias)),
                reference::conv::transposed_forward(&convolution, x, weight, Some(bias)),
            ),
            (
                "input",
                conv::forward(&convolution, &dy, weight, None),
                reference::conv::forward(&convolution, &dy, weight, None),
            ),
            (
                "weight",
                conv::weight_gradient(&convolution, &dy, x),
                reference::conv::weight_gradient(&convolution, &dy, x),
            ),
        ] {
            let error = relative(&fast, &truth, products);
            assert!(error <= 1e-6, "{pass}: relative error {error:e} of {shape:?}");
        }
        let linear = conv::transposed(&convolution, x, weight, None);
        let scale = 1e-5 * (dy.len() as f64 * shape.in_channels as f64).sqrt();
        let adjoint = dot(x, &conv::forward(&convolution, &dy, weight, None));
        assert!((dot(&dy, &linear) - adjoint).abs() < scale, "{shape:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn blocks_agree_with_the_formula(
        input in [1usize..5, 1usize..5, 1usize..5],
        stride in [1usize..4, 1usize..4, 1usize..4],
        in_channels in 1usize..40,
        out_channels in 1usize..40,
    ) {
        Case::new(TransposedShape::blocks(2, input, [in_channels, out_channels], stride)).check();
    }

    #[test]
    fn every_shape_agrees_with_the_formula(
        axes in prop::array::uniform3((1usize..6, 1usize..5, 1usize..4, 0usize..3, 0usize..3)),
        in_channels in 1usize..20,
        out_channels in 1usize..20,
    ) {
        let shape = TransposedShape {
            batch: 2,
            input: axes.map(|axis| axis.0),
            in_channels,
            out_channels,
            kernel: axes.map(|axis| axis.1),
            stride: axes.map(|axis| axis.2),
            padding: axes.map(|axis| axis.3),
            output_padding: axes.map(|axis| axis.4.min(axis.2 - 1)),
        };
        // PyTorch refuses the others, too.
        prop_assume!(shape.output().iter().all(|&size| size > 0));
        Case::new(shape).check();
    }
}

#[test]
fn a_kernel_of_one_voxel_leaves_gaps_of_bias() {
    let shape = TransposedShape {
        batch: 1,
        input: [1, 2, 2],
        in_channels: 1,
        out_channels: 1,
        kernel: [1; 3],
        stride: [2; 3],
        padding: [0; 3],
        output_padding: [1; 3],
    };
    let y = conv::transposed(&shape.convolution(), &[1.0, 2.0, 3.0, 4.0], &[10.0], Some(&[0.5]));
    let gap = [0.5; 4];
    let first = [[10.5, 0.5, 20.5, 0.5], gap, [30.5, 0.5, 40.5, 0.5], gap].concat();
    assert_eq!(y, [first, vec![0.5; 16]].concat());
}
