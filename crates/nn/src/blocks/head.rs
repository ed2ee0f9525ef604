//! From features to class logits.

use super::kaiming_normal;
use crate::layers::Conv;
use crate::parameters::{Builder, Init, Weights};
use mist_ops::FeatureMap;

/// A 1×1×1 convolution with bias.
#[derive(Clone, Debug)]
pub struct Head(Conv);

impl Head {
    /// Adds `{name}.weight` and `{name}.bias`; `channels` is `[features, classes]`.
    pub fn new(builder: &mut Builder, name: &str, channels: [usize; 2]) -> Self {
        let conv = Conv::new(builder, name, channels, [1; 3], [1; 3], kaiming_normal);
        Self(conv.with_bias(builder, name, Init::Constant(0.0)))
    }

    /// Logits of `x`.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        self.0.forward(weights, x)
    }
}
