//! A transposed convolution whose kernel equals its stride.

use crate::parameters::{Builder, Init, ParameterId, Weights};
use mist_ops::{FeatureMap, transposed_conv3d};

/// Up-sampling by learnt weights: every axis grows by its stride.
#[derive(Clone, Debug)]
pub struct TransposedConv {
    weight: ParameterId,
    bias: Option<ParameterId>,
    geometry: mist_ops::TransposedConv,
}

impl TransposedConv {
    /// Adds `{name}.weight` of shape `[in, out, s0, s1, s2]`. The fan for `init` counts output channels, as
    /// PyTorch does for this layout.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        channels: [usize; 2],
        stride: [usize; 3],
        init: impl Fn(usize) -> Init,
    ) -> Self {
        let [input, output] = channels;
        let fan = output * stride.iter().product::<usize>();
        let weight = builder.add(format!("{name}.weight"), [input, output, stride[0], stride[1], stride[2]], init(fan));
        Self { weight, bias: None, geometry: mist_ops::TransposedConv::blocks(output, stride) }
    }

    /// Adds `{name}.bias` of shape `[out]`.
    pub fn with_bias(mut self, builder: &mut Builder, name: &str, init: Init) -> Self {
        self.bias = Some(builder.add(format!("{name}.bias"), [self.geometry.out_channels], init));
        self
    }

    /// Up-samples `x`.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        transposed_conv3d(x, weights.kernel(self.weight), self.bias.map(|bias| weights.get(bias)), self.geometry)
    }
}
