//! Convolution and transposed convolution, of all channels, in groups, or of each channel by itself.

use crate::apply;
use crate::feature_map::{FeatureMap, Form, SharedMoments};
use crate::joined_conv::joined_conv3d;
use crate::kernel::{Kept, Kernel};
use crate::norm_conv::norm_conv3d;
use crate::operation::{Context, Keeps, Operation, Output, View, grid};
use burn::tensor::Tensor;
use mist_kernels::{ConvShape, DepthwiseShape, GroupedShape, TransposedShape, bias_gradient, conv, depthwise, grouped};

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
    /// Groups of input channels that each make one group of output channels; as many as channels for a depthwise
    /// convolution.
    pub groups: usize,
}

/// Geometry of a transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransposedConv {
    /// Channels it produces.
    pub out_channels: usize,
    /// Kernel extent per axis.
    pub kernel: [usize; 3],
    /// Stride per axis.
    pub stride: [usize; 3],
    /// Voxels cut off per axis, on both sides.
    pub padding: [usize; 3],
    /// Voxels added at the end of each axis, fewer than the stride.
    pub output_padding: [usize; 3],
    /// As in [`Conv`].
    pub groups: usize,
}

impl TransposedConv {
    /// The geometry whose kernel equals its `stride`: every axis grows by it.
    pub fn blocks(out_channels: usize, stride: [usize; 3]) -> Self {
        Self { out_channels, kernel: stride, stride, padding: [0; 3], output_padding: [0; 3], groups: 1 }
    }
}

/// The kernels that compute a convolution.
#[derive(Debug)]
enum Engine {
    Dense(ConvShape),
    Depthwise(DepthwiseShape),
    Grouped(GroupedShape),
}

impl Engine {
    fn new(whole: ConvShape, groups: usize) -> Self {
        let ConvShape { batch, input, in_channels, out_channels, kernel, stride, padding } = whole;
        if groups == 1 {
            Engine::Dense(whole)
        } else if groups == in_channels && groups == out_channels {
            Engine::Depthwise(DepthwiseShape { batch, input, channels: groups, kernel, stride, padding })
        } else {
            Engine::Grouped(GroupedShape { whole, groups })
        }
    }

    /// The convolution, and how many groups its channels are in.
    fn whole(&self) -> (ConvShape, usize) {
        match *self {
            Engine::Dense(shape) => (shape, 1),
            Engine::Depthwise(DepthwiseShape { batch, input, channels, kernel, stride, padding }) => {
                let (in_channels, out_channels) = (channels, channels);
                (ConvShape { batch, input, in_channels, out_channels, kernel, stride, padding }, channels)
            }
            Engine::Grouped(GroupedShape { whole, groups }) => (whole, groups),
        }
    }

    /// The shape if all channels are convolved together.
    fn dense(&self) -> Option<&ConvShape> {
        match self {
            Engine::Dense(shape) => Some(shape),
            Engine::Depthwise(_) | Engine::Grouped(_) => None,
        }
    }

    /// Kernel, stride and groups in words.
    fn kernel_name(&self) -> String {
        let (ConvShape { kernel, stride, .. }, groups) = self.whole();
        let step = if stride == [1; 3] { String::new() } else { format!(" stride {}", grid(stride)) };
        let groups = if groups == 1 { String::new() } else { format!(" in {groups} groups") };
        format!("{}{step}{groups}", grid(kernel))
    }

    fn operations(&self) -> f64 {
        let (shape, groups) = self.whole();
        shape.operations() / groups as f64
    }

    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        match self {
            Engine::Dense(shape) => conv::forward(shape, x, weight, bias),
            Engine::Depthwise(shape) => depthwise::forward(shape, x, weight, bias),
            Engine::Grouped(shape) => grouped::forward(shape, x, weight, bias),
        }
    }

    fn transposed(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        match self {
            Engine::Dense(shape) => conv::transposed(shape, x, weight, bias),
            Engine::Depthwise(shape) => depthwise::transposed(shape, x, weight, bias),
            Engine::Grouped(shape) => grouped::transposed(shape, x, weight, bias),
        }
    }

    fn weight_gradient(&self, x: &[f32], dy: &[f32]) -> Vec<f32> {
        match self {
            Engine::Dense(shape) => conv::weight_gradient(shape, x, dy),
            Engine::Depthwise(shape) => depthwise::weight_gradient(shape, x, dy),
            Engine::Grouped(shape) => grouped::weight_gradient(shape, x, dy),
        }
    }
}

#[derive(Debug)]
struct ConvOperation {
    engine: Engine,
    kept: Kept,
    output: [usize; 5],
    /// Of the output; none are measured where a bias is added.
    moments: SharedMoments,
}

impl Operation for ConvOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 2, output: false }
    }

    fn name(&self) -> String {
        let (ConvShape { input, in_channels, out_channels, .. }, _) = self.engine.whole();
        format!("conv {}, {in_channels} → {out_channels}, {}", self.engine.kernel_name(), grid(input))
    }

    fn operations(&self) -> f64 {
        self.engine.operations()
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        self.output.to_vec()
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let bias = inputs.get(2).map(|bias| bias.values);
        let (x, weight) = (inputs[0].values, inputs[1].values);
        let dense = self.engine.dense().and_then(|shape| match bias {
            Some(_) => self.kept.forward(shape, x, weight, bias),
            None => Some(self.kept.forward_measured(shape, x, weight, &self.moments)),
        });
        Output::plain(dense.unwrap_or_else(|| self.engine.forward(x, weight, bias)))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let (x, weight) = (context.inputs[0].values, context.inputs[1].values);
        gradients(
            context,
            self.output[4],
            || self.engine.transposed(context.gradient, weight, None),
            || self.engine.weight_gradient(x, context.gradient),
        )
    }
}

/// Convolves `x` with `weight` (`[out, in / groups, k0, k1, k2]`, flat) and adds `bias` (`[out]`).
pub fn conv3d(x: &FeatureMap, weight: impl Into<Kernel>, bias: Option<Tensor<1>>, conv: Conv) -> FeatureMap {
    let kernel = weight.into();
    let shape = ConvShape {
        batch: x.batch(),
        input: x.size(),
        in_channels: x.channels(),
        out_channels: conv.out_channels,
        kernel: conv.kernel,
        stride: conv.stride,
        padding: conv.padding,
    };
    match &x.form {
        Form::Pending(map, norm) if conv.groups == 1 => {
            return norm_conv3d(shape, map.clone(), x.moments.clone(), norm.as_ref().clone(), kernel, bias);
        }
        Form::Joined(maps) if conv.groups == 1 && bias.is_none() => {
            let channels = maps.as_ref().each_ref().map(|map| map.dims()[4]);
            if conv::reads_joined(&shape, channels) {
                return joined_conv3d(shape, maps.as_ref().clone(), kernel);
            }
        }
        _ => (),
    }
    let [a, b, c] = shape.output();
    let output = [shape.batch, a, b, c, shape.out_channels];
    let moments = SharedMoments::default();
    let engine = Engine::new(shape, conv.groups);
    let operation = ConvOperation { engine, kept: kernel.kept, output, moments: moments.clone() };
    FeatureMap::measured(with_optional_bias(operation, x, kernel.tensor, bias), moments)
}

#[derive(Debug)]
struct TransposedOperation {
    /// Of the convolution that leads back from the output to the input.
    engine: Engine,
    kept: Kept,
    output: [usize; 5],
}

impl Operation for TransposedOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 2, output: false }
    }

    fn name(&self) -> String {
        let (back, _) = self.engine.whole();
        let (from, to) = (back.out_channels, back.in_channels);
        format!("transposed conv {}, {from} → {to}, {}", self.engine.kernel_name(), grid(back.output()))
    }

    fn operations(&self) -> f64 {
        self.engine.operations()
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        self.output.to_vec()
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let bias = inputs.get(2).map(|bias| bias.values);
        let (x, weight) = (inputs[0].values, inputs[1].values);
        let dense = self.engine.dense().and_then(|shape| self.kept.transposed(shape, x, weight, bias));
        Output::plain(dense.unwrap_or_else(|| self.engine.transposed(x, weight, bias)))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let (x, weight) = (context.inputs[0].values, context.inputs[1].values);
        gradients(
            context,
            self.output[4],
            || self.engine.forward(context.gradient, weight, None),
            || self.engine.weight_gradient(context.gradient, x),
        )
    }
}

/// Transposed convolution of `x` with `weight` (`[in, out / groups, k0, k1, k2]`, flat), plus `bias` (`[out]`).
pub fn transposed_conv3d(
    x: &FeatureMap,
    weight: impl Into<Kernel>,
    bias: Option<Tensor<1>>,
    conv: TransposedConv,
) -> FeatureMap {
    let Kernel { tensor, kept } = weight.into();
    let shape = TransposedShape {
        batch: x.batch(),
        input: x.size(),
        in_channels: x.channels(),
        out_channels: conv.out_channels,
        kernel: conv.kernel,
        stride: conv.stride,
        padding: conv.padding,
        output_padding: conv.output_padding,
    };
    let [a, b, c] = shape.output();
    let output = [shape.batch, a, b, c, shape.out_channels];
    let engine = Engine::new(shape.convolution(), conv.groups);
    FeatureMap::new(with_optional_bias(TransposedOperation { engine, kept, output }, x, tensor, bias))
}

fn with_optional_bias(
    operation: impl Operation,
    x: &FeatureMap,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
) -> Tensor<5> {
    match bias {
        Some(bias) => apply::ternary(operation, x.tensor(), weight, bias),
        None => apply::binary(operation, x.tensor(), weight),
    }
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

#[cfg(test)]
mod tests;
