//! Convolution and the transposed convolution that undoes its stride.

use crate::apply;
use crate::feature_map::FeatureMap;
use crate::operation::{Context, Keeps, Operation, Output, View, grid};
use burn::tensor::Tensor;
use mist_kernels::{ConvShape, TransposedShape, bias_gradient, conv, transposed};

/// Geometry of a convolution (cross-correlation with zero padding on both sides).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Channels it produces.
    pub out_channels: usize,
    /// Kernel extent per axis.
    pub kernel: [usize; 3],
    /// Stride per axis.
    pub stride: [usize; 3],
    /// Zero padding per axis, on both sides.
    pub padding: [usize; 3],
}

#[derive(Debug)]
struct ConvOperation(ConvShape);

impl Operation for ConvOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: true, output: false }
    }

    fn name(&self) -> String {
        let ConvShape { input, in_channels, out_channels, kernel, stride, .. } = self.0;
        let step = if stride == [1; 3] { String::new() } else { format!(" stride {}", grid(stride)) };
        format!("conv {}{step}, {in_channels} → {out_channels}, {}", grid(kernel), grid(input))
    }

    fn operations(&self) -> f64 {
        2.0 * self.0.output_len() as f64 * (self.0.in_channels * self.0.kernel.iter().product::<usize>()) as f64
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let bias = inputs.get(2).map(|bias| bias.values);
        let values = conv::forward(&self.0, inputs[0].values, inputs[1].values, bias);
        let [a, b, c] = self.0.output();
        Output::plain(values, [self.0.batch, a, b, c, self.0.out_channels])
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let (x, weight) = (context.inputs[0].values, context.inputs[1].values);
        gradients(
            context,
            self.0.out_channels,
            || conv::input_gradient(&self.0, context.gradient, weight),
            || conv::weight_gradient(&self.0, x, context.gradient),
        )
    }
}

/// Convolves `x` with `weight` (`[out, in, k0, k1, k2]`, flat) and adds `bias` (`[out]`).
pub fn conv3d(x: &FeatureMap, weight: Tensor<1>, bias: Option<Tensor<1>>, conv: Conv) -> FeatureMap {
    let operation = ConvOperation(ConvShape {
        batch: x.batch(),
        input: x.size(),
        in_channels: x.channels(),
        out_channels: conv.out_channels,
        kernel: conv.kernel,
        stride: conv.stride,
        padding: conv.padding,
    });
    with_optional_bias(operation, x, weight, bias)
}

/// Geometry of a transposed convolution whose kernel equals its stride; every axis grows by the stride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransposedConv {
    /// Channels it produces.
    pub out_channels: usize,
    /// Stride and kernel extent per axis.
    pub stride: [usize; 3],
}

#[derive(Debug)]
struct TransposedOperation(TransposedShape);

impl Operation for TransposedOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: true, output: false }
    }

    fn name(&self) -> String {
        let TransposedShape { input, in_channels, out_channels, stride, .. } = self.0;
        format!("transposed conv {}, {in_channels} → {out_channels}, {}", grid(stride), grid(input))
    }

    fn operations(&self) -> f64 {
        let TransposedShape { batch, in_channels, out_channels, .. } = self.0;
        let voxels = batch * self.0.output().iter().product::<usize>();
        2.0 * voxels as f64 * (in_channels * out_channels) as f64
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let bias = inputs.get(2).map(|bias| bias.values);
        let values = transposed::forward(&self.0, inputs[0].values, inputs[1].values, bias);
        let TransposedShape { batch, input, out_channels, stride, .. } = self.0;
        let size = |axis: usize| input[axis] * stride[axis];
        Output::plain(values, [batch, size(0), size(1), size(2), out_channels])
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let (x, weight) = (context.inputs[0].values, context.inputs[1].values);
        gradients(
            context,
            self.0.out_channels,
            || transposed::input_gradient(&self.0, context.gradient, weight),
            || transposed::weight_gradient(&self.0, x, context.gradient),
        )
    }
}

/// Transposed convolution of `x` with `weight` (`[in, out, s0, s1, s2]`, flat), plus `bias` (`[out]`).
pub fn transposed_conv3d(
    x: &FeatureMap,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    conv: TransposedConv,
) -> FeatureMap {
    let operation = TransposedOperation(TransposedShape {
        batch: x.batch(),
        input: x.size(),
        in_channels: x.channels(),
        out_channels: conv.out_channels,
        stride: conv.stride,
    });
    with_optional_bias(operation, x, weight, bias)
}

fn with_optional_bias(
    operation: impl Operation,
    x: &FeatureMap,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
) -> FeatureMap {
    FeatureMap::new(match bias {
        Some(bias) => apply::ternary(operation, x.tensor(), weight, bias),
        None => apply::binary(operation, x.tensor(), weight),
    })
}

/// Gradients by input, weight and, where there is one, bias; each computed only if wanted.
fn gradients(
    context: &Context<'_>,
    out_channels: usize,
    input: impl FnOnce() -> Vec<f32>,
    weight: impl FnOnce() -> Vec<f32>,
) -> Vec<Option<Vec<f32>>> {
    let mut gradients = vec![context.wanted[0].then(input), context.wanted[1].then(weight)];
    if let Some(wanted) = context.wanted.get(2) {
        gradients.push(wanted.then(|| bias_gradient(out_channels, context.gradient)));
    }
    gradients
}
