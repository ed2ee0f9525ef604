//! The convolution in groups against its formula.

use proptest::prelude::*;

use super::data::{conv_shapes, noise, relative, same_on_any_threads};
use crate::grouped::{self, GroupedShape};
use crate::{ConvShape, reference};

fn passes(shape: &GroupedShape) -> ([Vec<f32>; 3], [Vec<f32>; 3]) {
    let x = noise(1, shape.whole.input_len());
    let weight = noise(2, shape.groups * shape.group().weight_len());
    let (bias, back) = (noise(3, shape.whole.out_channels), noise(5, shape.whole.in_channels));
    let dy = noise(4, shape.whole.output_len());
    let fast = [
        grouped::forward(shape, &x, &weight, Some(&bias)),
        grouped::transposed(shape, &dy, &weight, Some(&back)),
        grouped::weight_gradient(shape, &x, &dy),
    ];
    let truth = [
        reference::grouped::forward(shape, &x, &weight, Some(&bias)),
        reference::grouped::transposed(shape, &dy, &weight, Some(&back)),
        reference::grouped::weight_gradient(shape, &x, &dy),
    ];
    (fast, truth)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_shape_agrees_with_the_formula(shape in conv_shapes(), groups in 1usize..5) {
        let whole =
            ConvShape { in_channels: groups * shape.in_channels, out_channels: groups * shape.out_channels, ..shape };
        let (fast, truth) = passes(&GroupedShape { whole, groups });
        let products = whole.output_len() / whole.out_channels * groups * shape.weight_len();
        for (pass, (fast, truth)) in ["forward", "transposed", "weight"].iter().zip(fast.iter().zip(&truth)) {
            let error = relative(fast, truth, products);
            prop_assert!(error <= 1e-6, "{}: relative error {:e}", pass, error);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let whole = ConvShape {
        batch: 1,
        input: [9; 3],
        in_channels: 12,
        out_channels: 40,
        kernel: [3; 3],
        stride: [1; 3],
        padding: [1; 3],
    };
    same_on_any_threads(|| passes(&GroupedShape { whole, groups: 4 }).0.concat());
}
