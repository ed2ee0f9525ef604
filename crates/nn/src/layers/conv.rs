//! A convolution with or without bias.

use super::Start;
use crate::parameters::{Builder, ParameterId, Weights};
use mist_ops::{FeatureMap, conv3d};

/// A 3D convolution (cross-correlation, zero padding `⌊(kernel − stride + 1)/2⌋` on both sides).
#[derive(Clone, Debug)]
pub struct Conv {
    weight: ParameterId,
    bias: Option<ParameterId>,
    geometry: mist_ops::Conv,
    in_channels: usize,
    /// How many of the last input channels the tensor has twice.
    repeated: usize,
}

impl Conv {
    /// Adds `{name}.weight` of shape `[out, in, k0, k1, k2]`. A bias is added apart, so that tensors come in file order.
    pub fn new(
        builder: &mut Builder,
        name: &str,
        channels: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        start: Start,
    ) -> Self {
        Self::grouped(builder, name, channels, 1, kernel, stride, start)
    }

    /// A depthwise convolution: every channel has a kernel of its own. Adds `{name}.weight` of shape
    /// `[channels, 1, k0, k1, k2]`.
    pub fn depthwise(
        builder: &mut Builder,
        name: &str,
        channels: usize,
        kernel: [usize; 3],
        stride: [usize; 3],
        start: Start,
    ) -> Self {
        Self::grouped(builder, name, [channels, channels], channels, kernel, stride, start)
    }

    fn grouped(
        builder: &mut Builder,
        name: &str,
        [input, output]: [usize; 2],
        groups: usize,
        kernel: [usize; 3],
        stride: [usize; 3],
        start: Start,
    ) -> Self {
        let shape = [output, input / groups, kernel[0], kernel[1], kernel[2]];
        let weight = builder.add(format!("{name}.weight"), shape, (start.weight)(shape[1..].iter().product()));
        let padding = std::array::from_fn(|axis| (kernel[axis] + 1).saturating_sub(stride[axis]) / 2);
        let geometry = mist_ops::Conv { out_channels: output, kernel, stride, padding, groups };
        Self { weight, bias: None, geometry, in_channels: input, repeated: 0 }
    }

    /// Adds `{name}.bias` of shape `[out]`.
    pub fn with_bias(mut self, builder: &mut Builder, name: &str, start: Start) -> Self {
        let mist_ops::Conv { out_channels, kernel, groups, .. } = self.geometry;
        let fan = self.in_channels / groups * kernel.iter().product::<usize>();
        self.bias = Some(builder.add(format!("{name}.bias"), [out_channels], (start.bias)(fan)));
        self
    }

    /// The same convolution for a map that has its last `repeated` channels once where the tensor has them twice.
    pub fn reading_once(self, repeated: usize) -> Self {
        Self { repeated, ..self }
    }

    /// Convolves `x`.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        let kernel = match self.repeated {
            0 => weights.kernel(self.weight),
            repeated => weights.folded_kernel(self.weight, [self.geometry.out_channels, self.in_channels], repeated),
        };
        conv3d(x, kernel, self.bias.map(|bias| weights.get(bias)), self.geometry)
    }
}
