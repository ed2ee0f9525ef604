//! Convolution, instance norm, activation and residual addition as one module, because that is where the time goes.

use super::Conv;
use crate::parameters::{Builder, Init, ParameterId, Weights};
use mist_ops::{Activation, FeatureMap, InstanceNorm, instance_norm, pending_instance_norm};

/// Scale and shift of an instance norm, one value per channel.
#[derive(Clone, Debug)]
pub struct Norm {
    scale: ParameterId,
    shift: ParameterId,
}

impl Norm {
    /// Adds `{name}.weight` (starts at 1) and `{name}.bias` (starts at 0), each of shape `[channels]`.
    pub fn new(builder: &mut Builder, name: &str, channels: usize) -> Self {
        Self {
            scale: builder.add(format!("{name}.weight"), [channels], Init::Constant(1.0)),
            shift: builder.add(format!("{name}.bias"), [channels], Init::Constant(0.0)),
        }
    }
}

/// `activation(norm(conv(x)) + residual)`.
#[derive(Clone, Debug)]
pub struct ConvNorm {
    conv: Conv,
    norm: Norm,
    activation: Activation,
}

impl ConvNorm {
    /// Joins a convolution and the norm that follows it.
    pub fn new(conv: Conv, norm: Norm, activation: Activation) -> Self {
        Self { conv, norm, activation }
    }

    /// Without a residual. Takes the input, which is not needed any more once it is convolved.
    pub fn forward(&self, weights: &Weights, x: FeatureMap) -> FeatureMap {
        self.run(weights, x, None)
    }

    /// As [`Self::forward`], for a map that only one layer reads: the norm is left to it.
    pub fn forward_pending(&self, weights: &Weights, x: FeatureMap) -> FeatureMap {
        let convolved = self.conv.forward(weights, &x);
        drop(x);
        let [scale, shift] = [self.norm.scale, self.norm.shift].map(|parameter| weights.get(parameter));
        pending_instance_norm(&convolved, scale, shift, self.instance_norm())
    }

    /// With `residual` added before the activation.
    pub fn forward_add(&self, weights: &Weights, x: FeatureMap, residual: &FeatureMap) -> FeatureMap {
        self.run(weights, x, Some(residual))
    }

    fn run(&self, weights: &Weights, x: FeatureMap, residual: Option<&FeatureMap>) -> FeatureMap {
        let convolved = self.conv.forward(weights, &x);
        drop(x);
        let [scale, shift] = [self.norm.scale, self.norm.shift].map(|parameter| weights.get(parameter));
        instance_norm(&convolved, scale, shift, residual, self.instance_norm())
    }

    fn instance_norm(&self) -> InstanceNorm {
        InstanceNorm { eps: 1e-5, activation: self.activation }
    }
}
