//! Instance normalisation fused with a residual sum and an activation:
//! `y = act(gamma * (x - mean) * rstd + beta + residual)`, statistics per image and channel.

use crate::Activation;
use crate::reference;

/// Sizes of a normalised map, `[batch, voxels, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormShape {
    /// Images in the batch.
    pub batch: usize,
    /// Voxels of one image.
    pub voxels: usize,
    /// Channels.
    pub channels: usize,
}

/// What was measured in the forward pass, `[batch, channels]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Mean over the voxels.
    pub mean: Vec<f32>,
    /// `1 / sqrt(variance + eps)` with the biased variance.
    pub rstd: Vec<f32>,
}

/// Gradients of [`forward`].
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// With respect to `x`, in its shape.
    pub x: Vec<f32>,
    /// With respect to `gamma`, `[channels]`.
    pub gamma: Vec<f32>,
    /// With respect to `beta`, `[channels]`.
    pub beta: Vec<f32>,
    /// With respect to the residual, in the shape of `x`, where there was one.
    pub residual: Option<Vec<f32>>,
}

/// Normalises `x`, `[batch, voxels, channels]`, and returns the output with the statistics that [`backward`] needs.
///
/// `gamma` and `beta` are `[channels]`; `residual` has the shape of `x`.
pub fn forward(
    shape: &NormShape,
    x: &[f32],
    gamma: &[f32],
    beta: &[f32],
    eps: f32,
    activation: Activation,
    residual: Option<&[f32]>,
) -> (Vec<f32>, Statistics) {
    reference::instance_norm::forward(shape, x, gamma, beta, eps, activation, residual)
}

/// Gradients of [`forward`] from the gradient `dy` of its output `y`. The sign of `y` tells the branch that the
/// activation took; `beta` is not needed for it.
#[expect(clippy::too_many_arguments, reason = "the operands of the derivative")]
pub fn backward(
    shape: &NormShape,
    x: &[f32],
    gamma: &[f32],
    beta: &[f32],
    statistics: &Statistics,
    y: &[f32],
    dy: &[f32],
    activation: Activation,
    has_residual: bool,
) -> Gradients {
    reference::instance_norm::backward(shape, x, gamma, beta, statistics, y, dy, activation, has_residual)
}
