//! Instance normalisation fused with a residual sum and an activation:
//! `y = act(gamma * (x - mean) * rstd + beta + residual)`, statistics per image and channel.

mod backward;
mod forward;
mod statistics;

use crate::Activation;
use crate::simd::Isa;
use backward::Backward;
use forward::Apply;

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

impl NormShape {
    /// Length of the map.
    pub fn len(&self) -> usize {
        self.batch * self.voxels * self.channels
    }

    /// Whether the map has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
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
    forward_on(Isa::best(), shape, x, gamma, beta, eps, activation, residual)
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
    assert_eq!(beta.len(), shape.channels, "beta does not match its shape");
    backward_on(Isa::best(), shape, x, gamma, statistics, y, dy, activation, has_residual)
}

#[expect(clippy::too_many_arguments, reason = "the operands of the formula")]
pub(crate) fn forward_on(
    isa: Isa,
    shape: &NormShape,
    x: &[f32],
    gamma: &[f32],
    beta: &[f32],
    eps: f32,
    activation: Activation,
    residual: Option<&[f32]>,
) -> (Vec<f32>, Statistics) {
    assert_eq!(x.len(), shape.len(), "map does not match its shape");
    assert_eq!([gamma.len(), beta.len()], [shape.channels; 2], "parameters do not match their shape");
    assert!(residual.is_none_or(|residual| residual.len() == x.len()), "residual does not match its shape");
    let statistics = statistics::statistics(isa, shape, x, eps);
    let apply = Apply { shape, x, residual, gamma, beta, statistics: &statistics, activation };
    (apply.run(isa), statistics)
}

#[expect(clippy::too_many_arguments, reason = "the operands of the derivative")]
pub(crate) fn backward_on(
    isa: Isa,
    shape: &NormShape,
    x: &[f32],
    gamma: &[f32],
    statistics: &Statistics,
    y: &[f32],
    dy: &[f32],
    activation: Activation,
    has_residual: bool,
) -> Gradients {
    assert_eq!([x.len(), y.len(), dy.len()], [shape.len(); 3], "maps do not match their shape");
    assert_eq!(gamma.len(), shape.channels, "gamma does not match its shape");
    let slots = shape.batch * shape.channels;
    assert_eq!([statistics.mean.len(), statistics.rstd.len()], [slots; 2], "statistics do not match their shape");
    Backward { shape, x, gamma, statistics, y, dy, slope: activation.slope() }.run(isa, has_residual)
}
