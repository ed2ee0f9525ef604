//! Our convolutions against the engine's own, forward and backward.

use super::*;
use crate::{Gradients, for_training, parameter};
use burn::tensor::{Device, module, ops::ConvOptions, ops::ConvTransposeOptions};

fn values(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.0 - 1.0).collect()
}

/// `[N, D, H, W, C]` to `[N, C, D, H, W]`.
fn channels_first(x: Tensor<5>) -> Tensor<5> {
    x.permute([0, 4, 1, 2, 3])
}

/// Output, and gradients by input, weight and bias, of `y = operation(x, weight, bias)`; `x` channels last.
fn passes(
    x: [usize; 5],
    weight: [usize; 5],
    out_channels: usize,
    operation: impl Fn(Tensor<5>, Tensor<1>, Tensor<1>) -> Tensor<5>,
) -> Vec<Vec<f32>> {
    let device: Device = for_training();
    let inputs = [
        parameter(values(x.iter().product(), 1), &device),
        parameter(values(weight.iter().product(), 2), &device),
        parameter(values(out_channels, 3), &device),
    ];
    let [a, b, c] = inputs.clone();
    let y = operation(a.reshape(x), b, c);
    let factors = Tensor::<1>::from_floats(&values(y.dims().iter().product(), 4)[..], &device).reshape(y.dims());
    let mut gradients = Gradients::of(&(y.clone() * factors).sum());
    let mut all = vec![crate::parameter::values_of(y)];
    all.extend(inputs.iter().map(|input| gradients.take(input).expect("a gradient")));
    all
}

fn assert_close(ours: &[Vec<f32>], theirs: &[Vec<f32>]) {
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours.len(), theirs.len());
        let norm = theirs.iter().map(|value| value * value).sum::<f32>().sqrt();
        let difference = ours.iter().zip(theirs).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
        assert!(difference <= 2e-5 * norm, "{difference} of {norm}");
    }
}

fn compare(channels: [usize; 2], conv: Conv) {
    let (x, weight) = ([2, 5, 6, 7, channels[0]], [channels[1], channels[0] / conv.groups]);
    let weight = [weight[0], weight[1], conv.kernel[0], conv.kernel[1], conv.kernel[2]];
    let ours = passes(x, weight, channels[1], |x, weight, bias| {
        conv3d(&FeatureMap::new(x), weight, Some(bias), conv).into_channels_last()
    });
    let theirs = passes(x, weight, channels[1], |x, w, bias| {
        let options = ConvOptions::new(conv.stride, conv.padding, [1; 3], conv.groups);
        module::conv3d(channels_first(x), w.reshape(weight), Some(bias), options).permute([0, 2, 3, 4, 1])
    });
    assert_close(&ours, &theirs);
}

fn compare_transposed(channels: [usize; 2], conv: TransposedConv) {
    let (x, weight) = ([2, 3, 4, 3, channels[0]], [channels[0], channels[1] / conv.groups]);
    let weight = [weight[0], weight[1], conv.kernel[0], conv.kernel[1], conv.kernel[2]];
    let ours = passes(x, weight, channels[1], |x, weight, bias| {
        transposed_conv3d(&FeatureMap::new(x), weight, Some(bias), conv).into_channels_last()
    });
    let theirs = passes(x, weight, channels[1], |x, w, bias| {
        let options = ConvTransposeOptions::new(conv.stride, conv.padding, conv.output_padding, [1; 3], conv.groups);
        module::conv_transpose3d(channels_first(x), w.reshape(weight), Some(bias), options).permute([0, 2, 3, 4, 1])
    });
    assert_close(&ours, &theirs);
}

#[test]
fn convolutions_agree_with_the_engine() {
    let conv = Conv { out_channels: 6, kernel: [3; 3], stride: [1; 3], padding: [1; 3], groups: 1 };
    compare([4, 6], conv);
    compare([6, 6], Conv { groups: 6, ..conv });
    compare([6, 6], Conv { groups: 6, stride: [2; 3], kernel: [5, 3, 1], padding: [2, 1, 0], ..conv });
    compare([4, 6], Conv { groups: 2, ..conv });
    compare([3, 6], Conv { groups: 3, stride: [1, 2, 1], ..conv });
}

#[test]
fn transposed_convolutions_agree_with_the_engine() {
    let blocks = TransposedConv::blocks(6, [2, 2, 1]);
    let depthwise =
        TransposedConv { kernel: [3; 3], stride: [2; 3], padding: [1; 3], output_padding: [1; 3], groups: 6, ..blocks };
    compare_transposed([4, 6], blocks);
    compare_transposed([6, 6], depthwise);
    compare_transposed([6, 6], TransposedConv { output_padding: [0; 3], ..depthwise });
    compare_transposed([4, 6], TransposedConv { kernel: [1; 3], padding: [0; 3], groups: 1, ..depthwise });
    compare_transposed([4, 6], TransposedConv { groups: 2, ..depthwise });
}
