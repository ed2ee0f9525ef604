//! Two convolutions, with or without a shortcut around them.

use super::{LEAKY_RELU, Style};
use crate::layers::{Conv, ConvNorm, Norm};
use crate::parameters::{Builder, Weights};
use mist_ops::{Activation, FeatureMap};

/// What is added before the last activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// Nothing: a plain block, stride 1.
    None,
    /// The input, projected by a 1×1×1 convolution where channels or stride differ: a residual block (He et al. 2016).
    Residual,
}

/// `LReLU(norm(conv(LReLU(norm(conv(x))))) + shortcut(x))`.
#[derive(Clone, Debug)]
pub struct DoubleConv {
    first: ConvNorm,
    second: ConvNorm,
    shortcut: Shortcut,
    projection: Option<ConvNorm>,
}

impl DoubleConv {
    /// Adds the tensors below `prefix` in the order of weight files. `channels` is `[in, out]`; the first
    /// convolution and the projection carry `stride`.
    pub fn new(
        builder: &mut Builder,
        prefix: &str,
        channels: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        shortcut: Shortcut,
        style: Style,
    ) -> Self {
        let [input, output] = channels;
        let mut conv = |name: &str, channels, kernel, stride| {
            Conv::new(builder, &format!("{prefix}.{name}.conv"), channels, kernel, stride, style.start)
        };
        let first = conv("conv1", [input, output], kernel, stride);
        let second = conv("conv2", [output, output], kernel, [1; 3]);
        let mut norm = |name: &str| match style.affine {
            true => Norm::new(builder, &format!("{prefix}.{name}"), output),
            false => Norm::plain(output),
        };
        let (norm1, norm2) = (norm("norm1"), norm("norm2"));
        let projects = shortcut == Shortcut::Residual && (input != output || stride != [1; 3]);
        let projection = projects.then(|| {
            let name = format!("{prefix}.conv3.conv");
            let conv = Conv::new(builder, &name, [input, output], [1; 3], stride, style.start);
            let norm = match style.affine {
                true => Norm::new(builder, &format!("{prefix}.norm3"), output),
                false => Norm::plain(output),
            };
            ConvNorm::new(conv, norm, Activation::Identity)
        });
        Self {
            first: ConvNorm::new(first, norm1, LEAKY_RELU),
            second: ConvNorm::new(second, norm2, LEAKY_RELU),
            shortcut,
            projection,
        }
    }

    /// The same block for a map that has its last `repeated` channels once where the tensors have them twice.
    pub fn reading_once(mut self, repeated: usize) -> Self {
        self.first = self.first.reading_once(repeated);
        self.projection = self.projection.map(|projection| projection.reading_once(repeated));
        self
    }

    /// Runs the block. Takes the input, so that it is freed as soon as it is not needed.
    pub fn forward(&self, weights: &Weights, x: FeatureMap) -> FeatureMap {
        self.forward_pending(weights, x).settled()
    }

    /// As [`Self::forward`], for a map that only one layer reads: where there is no shortcut, the norm is left to it.
    pub fn forward_pending(&self, weights: &Weights, x: FeatureMap) -> FeatureMap {
        let x = if self.shortcut == Shortcut::Residual { x.settled() } else { x };
        match (self.shortcut, &self.projection) {
            (Shortcut::None, _) => self.second.forward_pending(weights, self.first.forward_pending(weights, x)),
            (Shortcut::Residual, None) => {
                let inner = self.first.forward_pending(weights, x.clone());
                self.second.forward_add(weights, inner, &x)
            }
            (Shortcut::Residual, Some(projection)) => {
                let inner = self.first.forward_pending(weights, x.clone());
                let projected = projection.forward_pending(weights, x);
                self.second.forward_add(weights, inner, &projected)
            }
        }
    }
}
