//! The same linear map for every voxel.

use super::Start;
use crate::parameters::{Builder, ParameterId, Weights};
use mist_ops::{FeatureMap, Tensor, constant, conv3d};

/// A matrix, with or without bias, that maps the channels of every voxel to others.
#[derive(Clone, Debug)]
pub struct Linear {
    weight: ParameterId,
    bias: Option<ParameterId>,
    geometry: mist_ops::Conv,
    /// Channels that it reads.
    fan: usize,
}

impl Linear {
    /// Adds `{name}.weight` of shape `[out, in]`; `channels` is `[in, out]`.
    pub fn new(builder: &mut Builder, name: &str, channels: [usize; 2], start: Start) -> Self {
        let [fan, output] = channels;
        let weight = builder.add(format!("{name}.weight"), [output, fan], (start.weight)(fan));
        let (kernel, stride, padding) = ([1; 3], [1; 3], [0; 3]);
        let geometry = mist_ops::Conv { out_channels: output, kernel, stride, padding, groups: 1 };
        Self { weight, bias: None, geometry, fan }
    }

    /// Adds `{name}.bias` of shape `[out]`.
    pub fn with_bias(mut self, builder: &mut Builder, name: &str, start: Start) -> Self {
        self.bias = Some(builder.add(format!("{name}.bias"), [self.geometry.out_channels], (start.bias)(self.fan)));
        self
    }

    /// What it makes of a voxel of zeros: its bias.
    pub fn of_zeros(&self, weights: &Weights) -> Tensor<1> {
        let nothing = || constant(vec![0.0; self.geometry.out_channels], weights.device());
        self.bias.map_or_else(nothing, |bias| weights.get(bias))
    }

    /// Maps every voxel of `x`.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        conv3d(x, weights.kernel(self.weight), self.bias.map(|bias| weights.get(bias)), self.geometry)
    }
}
