//! The blocks of Swin Transformers in 3D (Liu et al. 2021; Hatamizadeh et al. 2022).

use crate::layers::{Linear, Norm, Start};
use crate::parameters::{Builder, Init, ParameterId, Weights};
use mist_ops::{FeatureMap, WindowAttention, add, gelu, merge_patches, relative_positions, window_attention};
use std::sync::Arc;

/// Voxels of a window along each axis.
const WINDOW: usize = 7;
/// Factor of channels inside the perceptron.
const EXPANSION: usize = 4;
/// Standard deviation of bias tables before training.
const TABLE_DEVIATION: f32 = 0.02;

/// `y = x + attention(norm(x))`, then `y + perceptron(norm(y))`.
#[derive(Clone, Debug)]
pub struct SwinBlock {
    first_norm: Norm,
    table: ParameterId,
    qkv: Linear,
    projection: Linear,
    second_norm: Norm,
    widen: Linear,
    narrow: Linear,
    attention: WindowAttention,
}

impl SwinBlock {
    /// Adds the tensors below `prefix` in the order of weight files, the index of relative positions included.
    pub fn new(builder: &mut Builder, prefix: &str, channels: usize, heads: usize, shifted: bool) -> Self {
        let start = Start::UNIFORM;
        let name = |part: &str| format!("{prefix}.{part}");
        let linear = |builder: &mut Builder, part: &str, channels| {
            Linear::new(builder, &name(part), channels, start).with_bias(builder, &name(part), start)
        };
        let first_norm = Norm::new(builder, &name("norm1"), channels);
        let distances = (2 * WINDOW - 1).pow(3);
        let table = name("attn.relative_position_bias_table");
        let table = builder.add(table, [distances, heads], Init::Normal(TABLE_DEVIATION));
        let index: Arc<[i64]> = relative_positions(WINDOW).into();
        builder.add_buffer(name("attn.relative_position_index"), [WINDOW.pow(3); 2], index);
        Self {
            first_norm,
            table,
            qkv: linear(builder, "attn.qkv", [channels, 3 * channels]),
            projection: linear(builder, "attn.proj", [channels; 2]),
            second_norm: Norm::new(builder, &name("norm2"), channels),
            widen: linear(builder, "mlp.linear1", [channels, EXPANSION * channels]),
            narrow: linear(builder, "mlp.linear2", [EXPANSION * channels, channels]),
            attention: WindowAttention { heads, window: WINDOW, shifted },
        }
    }

    /// Runs the block.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        let qkv = self.qkv.forward(weights, &self.first_norm.of_channels(weights, x));
        let y = window_attention(&qkv, weights.get(self.table), self.qkv.of_zeros(weights), self.attention);
        drop(qkv);
        let y = add(x, &self.projection.forward(weights, &y));
        let inner = self.widen.forward(weights, &self.second_norm.of_channels(weights, &y));
        add(&y, &self.narrow.forward(weights, &gelu(&inner)))
    }
}

/// Halves the grid: the channels of eight voxels become twice those of one.
#[derive(Clone, Debug)]
pub struct MergePatches {
    reduction: Linear,
    norm: Norm,
}

impl MergePatches {
    /// Adds `{prefix}.reduction.weight` and `{prefix}.norm.*`.
    pub fn new(builder: &mut Builder, prefix: &str, channels: usize) -> Self {
        let name = format!("{prefix}.reduction");
        let reduction = Linear::new(builder, &name, [8 * channels, 2 * channels], Start::UNIFORM);
        Self { reduction, norm: Norm::new(builder, &format!("{prefix}.norm"), 8 * channels) }
    }

    /// Halves `x`.
    pub fn forward(&self, weights: &Weights, x: &FeatureMap) -> FeatureMap {
        self.reduction.forward(weights, &self.norm.of_channels(weights, &merge_patches(x)))
    }
}
