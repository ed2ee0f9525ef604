//! Self-attention within windows of a grid.

use crate::apply;
use crate::feature_map::FeatureMap;
use crate::operation::{Context, Keeps, Operation, Output, View, grid};
use burn::tensor::Tensor;
use mist_kernels::attention::{self as kernel, AttentionShape};

/// How the windows of an attention lie, and how many heads look at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowAttention {
    /// Heads, among which the channels are divided.
    pub heads: usize,
    /// Voxels of a window along each axis; a grid of fewer has one window along that axis, and no shift.
    pub window: usize,
    /// Whether windows are shifted by half their size along every axis with more than one of them.
    pub shifted: bool,
}

#[derive(Debug)]
struct AttentionOperation(AttentionShape);

/// Inputs: queries, keys and values as one map, the bias table, what stands for tokens beyond the grid.
impl Operation for AttentionOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 3, output: false }
    }

    fn name(&self) -> String {
        let AttentionShape { heads, head_size, shifted, .. } = self.0;
        let shifted = if shifted { " shifted" } else { "" };
        format!("attention in{shifted} windows, {heads} heads of {head_size}, {}", grid(self.0.grid))
    }

    fn operations(&self) -> f64 {
        self.0.operations()
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        let [a, b, c] = self.0.grid;
        vec![self.0.batch, a, b, c, self.0.channels()]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        Output::plain(kernel::forward(&self.0, inputs[0].values, inputs[1].values, inputs[2].values))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let [qkv, table, padding] = [0, 1, 2].map(|index| context.inputs[index].values);
        let gradients = kernel::backward(&self.0, qkv, table, padding, context.gradient);
        [gradients.qkv, gradients.table, gradients.padding].map(Some).into()
    }
}

/// Attention among the tokens of each window (Liu et al. 2021). `qkv` has three times the channels of the result: queries
/// of all heads, then keys, then values. `table` has a bias for every distance within a window and every head,
/// `[(2 window − 1)³, heads]`, flat. `padding` is what `qkv` would be for a token of zeros, which windows that reach beyond
/// the grid are filled up with.
pub fn window_attention(
    qkv: &FeatureMap,
    table: Tensor<1>,
    padding: Tensor<1>,
    attention: WindowAttention,
) -> FeatureMap {
    let WindowAttention { heads, window, shifted } = attention;
    let head_size = qkv.channels() / (3 * heads);
    let shape = AttentionShape { batch: qkv.batch(), grid: qkv.size(), heads, head_size, window, shifted };
    FeatureMap::new(apply::ternary(AttentionOperation(shape), qkv.tensor(), table, padding))
}

/// The index into a bias table for every pair of tokens of a full window, `[query][key]`: the buffer that weight files hold.
pub fn relative_positions(window: usize) -> Vec<i64> {
    let shape = AttentionShape { batch: 1, grid: [window; 3], heads: 1, head_size: 1, window, shifted: false };
    let tokens = window.pow(3);
    let row = |query: usize| (0..tokens).map(move |key| shape.distance(query, key) as i64);
    (0..tokens).flat_map(row).collect()
}
