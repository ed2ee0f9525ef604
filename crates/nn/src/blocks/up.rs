//! A decoder level: up-sample, join the skip connection, convolve.

use super::{DoubleConv, Shortcut, Style};
use crate::layers::TransposedConv;
use crate::parameters::{Builder, Weights};
use mist_ops::{FeatureMap, concat};

/// `block(concat[up(x), skip])`, up-sampled features first.
#[derive(Clone, Debug)]
pub struct Up {
    up: TransposedConv,
    block: DoubleConv,
}

impl Up {
    /// Adds `{prefix}.transp_conv.conv.*` and `{prefix}.conv_block.*`. `channels` is
    /// `[deeper level, this level]`; `kernel` and `stride` are those of the deeper level.
    pub fn new(
        builder: &mut Builder,
        prefix: &str,
        channels: [usize; 2],
        kernel: [usize; 3],
        stride: [usize; 3],
        shortcut: Shortcut,
        style: Style,
    ) -> Self {
        let name = format!("{prefix}.transp_conv.conv");
        let mut up = TransposedConv::new(builder, &name, channels, stride, style.start);
        if style.up_bias {
            up = up.with_bias(builder, &name, style.start);
        }
        let block = [2 * channels[1], channels[1]];
        let block = DoubleConv::new(builder, &format!("{prefix}.conv_block"), block, kernel, [1; 3], shortcut, style);
        Self { up, block }
    }

    /// Runs the level; `skip` comes from the encoder. Takes both, so that they are freed as soon as they are joined. The map
    /// is for one layer to read, as that of [`DoubleConv::forward_pending`].
    pub fn forward(&self, weights: &Weights, x: FeatureMap, skip: FeatureMap) -> FeatureMap {
        let up = self.up.forward(weights, &x);
        drop(x);
        let joined = concat(&up, &skip);
        drop((up, skip));
        self.block.forward_pending(weights, joined)
    }
}
