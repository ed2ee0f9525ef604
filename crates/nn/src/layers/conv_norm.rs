//! Convolution, instance norm, activation and residual addition as one module, because that is where the time goes.

use super::norm::EPS;
use super::{Conv, Norm};
use crate::parameters::Weights;
use mist_ops::{Activation, FeatureMap, InstanceNorm, instance_norm, pending_instance_norm};

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

    /// As [`Conv::reading_once`].
    pub fn reading_once(self, repeated: usize) -> Self {
        Self { conv: self.conv.reading_once(repeated), ..self }
    }

    /// Without a residual, for a map that only one layer reads: the norm is left to it. Takes the input, which is not needed any
    /// more once it is convolved.
    pub fn forward_pending(&self, weights: &Weights, x: FeatureMap) -> FeatureMap {
        let convolved = self.conv.forward(weights, &x);
        drop(x);
        let [scale, shift] = self.norm.tensors(weights);
        pending_instance_norm(&convolved, scale, shift, self.instance_norm())
    }

    /// With `residual` added before the activation.
    pub fn forward_add(&self, weights: &Weights, x: FeatureMap, residual: &FeatureMap) -> FeatureMap {
        let convolved = self.conv.forward(weights, &x);
        drop(x);
        let [scale, shift] = self.norm.tensors(weights);
        instance_norm(&convolved, scale, shift, Some(residual), self.instance_norm())
    }

    fn instance_norm(&self) -> InstanceNorm {
        InstanceNorm { eps: EPS, activation: self.activation }
    }
}
