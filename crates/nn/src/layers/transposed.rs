//! Transposed convolutions, which make a grid larger.

use super::Start;
use crate::parameters::{Builder, ParameterId, Weights};
use mist_ops::{FeatureMap, transposed_conv3d};

/// Up-sampling by learnt weights: every axis grows by its stride.
#[derive(Clone, Debug)]
pub struct TransposedConv {
    weight: ParameterId,
    bias: Option<ParameterId>,
    geometry: mist_ops::TransposedConv,
    /// Of the weights, for the start of the bias.
    fan: usize,
}

impl TransposedConv {
    /// A kernel as large as its stride. Adds `{name}.weight` of shape `[in, out, s0, s1, s2]`.
    pub fn new(builder: &mut Builder, name: &str, channels: [usize; 2], stride: [usize; 3], start: Start) -> Self {
        let geometry = mist_ops::TransposedConv::blocks(channels[1], stride);
        Self::with_geometry(builder, name, channels, geometry, start)
    }

    /// Doubles every axis with an odd `kernel` in each of the `groups` of channels: input voxels come to lie at the even
    /// output voxels. Adds `{name}.weight` of shape `[in, out / groups, k, k, k]`.
    pub fn doubling(
        builder: &mut Builder,
        name: &str,
        channels: [usize; 2],
        kernel: usize,
        groups: usize,
        start: Start,
    ) -> Self {
        let geometry = mist_ops::TransposedConv {
            out_channels: channels[1],
            kernel: [kernel; 3],
            stride: [2; 3],
            padding: [kernel / 2; 3],
            output_padding: [1; 3],
            groups,
        };
        Self::with_geometry(builder, name, channels, geometry, start)
    }

    /// The fan counts output channels, as PyTorch does for this layout.
    fn with_geometry(
        builder: &mut Builder,
        name: &str,
        [input, output]: [usize; 2],
        geometry: mist_ops::TransposedConv,
        start: Start,
    ) -> Self {
        let [a, b, c] = geometry.kernel;
        let shape = [input, output / geometry.groups, a, b, c];
        let fan = shape[1..].iter().product();
        let weight = builder.add(format!("{name}.weight"), shape, (start.weight)(fan));
        Self { weight, bias: None, geometry, fan }
    }

    /// Adds `{name}.bias` of shape `[out]`.
    pub fn with_bias(mut self, builder: &mut Builder, name: &str, start: Start) -> Self {
        self.bias = Some(builder.add(format!("{name}.bias"), [self.geometry.out_channels], (start.bias)(self.fan)));
        self
    }

    /// Up-samples `x`.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        transposed_conv3d(x, weights.kernel(self.weight), self.bias.map(|bias| weights.get(bias)), self.geometry)
    }
}
