//! A convolution with or without bias.

use crate::parameters::{Builder, Init, ParameterId, Weights};
use mist_ops::{FeatureMap, conv3d};

/// A 3D convolution (cross-correlation, zero padding `⌊(kernel − stride + 1)/2⌋` on both sides).
#[derive(Clone, Debug)]
pub struct Conv {
    weight: ParameterId,
    bias: Option<ParameterId>,
    geometry: mist_ops::Conv,
}

impl Conv {
    /// Adds `{name}.weight` of shape `[out, in, k0, k1, k2]`. A bias is added apart, so that tensors come in file order.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        channels: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        init: impl Fn(usize) -> Init,
    ) -> Self {
        let [input, output] = channels;
        let fan = input * kernel.iter().product::<usize>();
        let weight = builder.add(format!("{name}.weight"), [output, input, kernel[0], kernel[1], kernel[2]], init(fan));
        let padding = std::array::from_fn(|axis| (kernel[axis] + 1).saturating_sub(stride[axis]) / 2);
        let geometry = mist_ops::Conv { out_channels: output, kernel, stride, padding, groups: 1 };
        Self { weight, bias: None, geometry }
    }

    /// Adds `{name}.bias` of shape `[out]`.
    pub fn with_bias(mut self, builder: &mut Builder, name: &str, init: Init) -> Self {
        self.bias = Some(builder.add(format!("{name}.bias"), [self.geometry.out_channels], init));
        self
    }

    /// Convolves `x`.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        conv3d(x, weights.kernel(self.weight), self.bias.map(|bias| weights.get(bias)), self.geometry)
    }
}
