//! The blocks of MedNeXt (Roy et al. 2023): a depthwise convolution, then two 1×1×1 ones around a GELU.

use crate::layers::{Conv, Norm, Start, TransposedConv};
use crate::parameters::{Builder, Weights};
use mist_ops::{Activation, FeatureMap, add, gelu};

/// What a block does to the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Nothing.
    Keep,
    /// Every axis is halved.
    Halve,
    /// Every axis is doubled.
    Double,
}

/// The depthwise convolution, or the shortcut's 1×1×1 one.
#[derive(Clone, Debug)]
enum Step {
    Conv(Conv),
    Transposed(TransposedConv),
}

impl Step {
    fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        match self {
            Self::Conv(conv) => conv.forward(weights, x),
            Self::Transposed(conv) => conv.forward(weights, x),
        }
    }
}

/// `conv3(GELU(conv2(norm(conv1(x))))) + shortcut(x)`, with a norm per channel.
#[derive(Clone, Debug)]
pub struct MedNextBlock {
    depthwise: Step,
    norm: Norm,
    expand: Conv,
    compress: Conv,
    /// Of a block that changes the grid; the others add their input as it is.
    shortcut: Option<Step>,
}

impl MedNextBlock {
    /// Adds the tensors below `prefix` in the order of weight files. `channels` is `[in, out]`; the depthwise `kernel` is
    /// odd, and `expansion` the factor of channels between the 1×1×1 convolutions.
    pub fn new(
        builder: &mut Builder,
        prefix: &str,
        channels: [usize; 2],
        kernel: usize,
        expansion: usize,
        sampling: Sampling,
    ) -> Self {
        let start = Start::UNIFORM;
        let [input, output] = channels;
        let name = |part: &str| format!("{prefix}.{part}");
        let depthwise = |builder: &mut Builder, stride| {
            let conv = Conv::depthwise(builder, &name("conv1"), input, [kernel; 3], stride, start);
            Step::Conv(conv.with_bias(builder, &name("conv1"), start))
        };
        let depthwise = match sampling {
            Sampling::Keep => depthwise(builder, [1; 3]),
            Sampling::Halve => depthwise(builder, [2; 3]),
            Sampling::Double => {
                let conv = TransposedConv::doubling(builder, &name("conv1"), [input; 2], kernel, input, start);
                Step::Transposed(conv.with_bias(builder, &name("conv1"), start))
            }
        };
        let norm = Norm::new(builder, &name("norm"), input);
        let mut pointwise = |part: &str, channels| {
            let conv = Conv::new(builder, &name(part), channels, [1; 3], [1; 3], start);
            conv.with_bias(builder, &name(part), start)
        };
        let expand = pointwise("conv2", [input, expansion * input]);
        let compress = pointwise("conv3", [expansion * input, output]);
        let shortcut = match sampling {
            Sampling::Keep => None,
            Sampling::Halve => {
                let conv = Conv::new(builder, &name("res_conv"), channels, [1; 3], [2; 3], start);
                Some(Step::Conv(conv.with_bias(builder, &name("res_conv"), start)))
            }
            Sampling::Double => {
                let conv = TransposedConv::doubling(builder, &name("res_conv"), channels, 1, 1, start);
                Some(Step::Transposed(conv.with_bias(builder, &name("res_conv"), start)))
            }
        };
        Self { depthwise, norm, expand, compress, shortcut }
    }

    /// Runs the block.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        let inner = self.depthwise.forward(weights, x);
        let inner = self.norm.of_voxels(weights, &inner, Activation::Identity);
        let inner = gelu(&self.expand.forward(weights, &inner));
        let inner = self.compress.forward(weights, &inner);
        match &self.shortcut {
            None => add(&inner, x),
            Some(shortcut) => add(&inner, &shortcut.forward(weights, x)),
        }
    }
}
