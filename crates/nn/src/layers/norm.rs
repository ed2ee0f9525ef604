//! Scales and shifts of norms.

use crate::parameters::{Builder, Init, ParameterId, Weights};
use mist_ops::{Activation, FeatureMap, InstanceNorm, Tensor, constant, instance_norm, layer_norm};

/// Added to variances before their root.
pub const EPS: f32 = 1e-5;

/// Scale and shift of a norm, one value per channel; learnt, or 1 and 0.
#[derive(Clone, Debug)]
pub struct Norm {
    learnt: Option<[ParameterId; 2]>,
    channels: usize,
}

impl Norm {
    /// Adds `{name}.weight` (starts at 1) and `{name}.bias` (starts at 0), each of shape `[channels]`.
    pub fn new(builder: &mut Builder, name: &str, channels: usize) -> Self {
        let scale = builder.add(format!("{name}.weight"), [channels], Init::Constant(1.0));
        let shift = builder.add(format!("{name}.bias"), [channels], Init::Constant(0.0));
        Self { learnt: Some([scale, shift]), channels }
    }

    /// A norm without parameters.
    pub fn plain(channels: usize) -> Self {
        Self { learnt: None, channels }
    }

    /// Scale and shift.
    pub(super) fn tensors(&self, weights: &Weights) -> [Tensor<1>; 2] {
        match self.learnt {
            Some(parameters) => parameters.map(|parameter| weights.get(parameter)),
            None => [1.0, 0.0].map(|value| constant(vec![value; self.channels], weights.device())),
        }
    }

    /// Normalises every channel of `x` over its voxels (instance norm).
    pub fn of_voxels(&self, weights: &Weights, x: &FeatureMap, activation: Activation) -> FeatureMap {
        let [scale, shift] = self.tensors(weights);
        instance_norm(x, scale, shift, None, InstanceNorm { eps: EPS, activation })
    }

    /// Normalises the channels of each voxel of `x` (layer norm).
    pub fn of_channels(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        layer_norm(x, self.learnt.map(|parameters| parameters.map(|parameter| weights.get(parameter))), EPS)
    }
}
