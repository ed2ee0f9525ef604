//! From features to class logits.

use crate::layers::{Conv, Start};
use crate::parameters::{Builder, Weights};
use mist_ops::FeatureMap;

/// A 1×1×1 convolution with bias.
#[derive(Clone, Debug)]
pub struct Head(Conv);

impl Head {
    /// Adds `{name}.weight` and `{name}.bias`; `channels` is `[features, classes]`.
    pub fn new(builder: &mut Builder, name: &str, channels: [usize; 2], start: Start) -> Self {
        let conv = Conv::new(builder, name, channels, [1; 3], [1; 3], start);
        Self(conv.with_bias(builder, name, start))
    }

    /// Logits of `x`.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        self.0.forward(weights, x)
    }
}
