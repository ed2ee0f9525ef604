//! Instance normalisation fused with a residual sum and an activation:
//! `y = act(gamma * (x - mean) * rstd + beta + residual)`, statistics per image and channel.

mod backward;
mod forward;
mod moments;
mod pending;
mod statistics;

use crate::Activation;
use crate::conv::Input;
use crate::simd::Isa;
use backward::Backward;
use forward::Apply;
pub(crate) use forward::apply_to;
pub use moments::Moments;
pub(crate) use moments::Part;
pub(crate) use pending::Lanes;
pub use pending::Pending;
pub(crate) use statistics::{Sums, sums_of};

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

impl Statistics {
    /// # Panics
    /// If these are not the statistics of a map of this shape.
    fn check(&self, shape: &NormShape) {
        let slots = shape.batch * shape.channels;
        assert_eq!([self.mean.len(), self.rstd.len()], [slots; 2], "statistics do not match their shape");
    }
}

/// Gradients of a norm.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// With respect to `x`, in its shape.
    pub x: Vec<f32>,
    /// With respect to `gamma`, `[channels]`.
    pub gamma: Vec<f32>,
    /// With respect to `beta`, `[channels]`.
    pub beta: Vec<f32>,
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

/// Mean and deviation of `x`, `[batch, voxels, channels]`, per image and channel.
pub fn statistics(shape: &NormShape, x: &[f32], eps: f32) -> Statistics {
    assert_eq!(x.len(), shape.len(), "map does not match its shape");
    statistics::moments(Isa::best(), shape, x).statistics(eps)
}

/// Applies `norm` to `x`, adding `residual`, one map of the shape of `x`, before the activation.
pub fn apply(norm: &Pending<'_>, x: &[f32], residual: Option<Input<'_>>) -> Vec<f32> {
    apply_on(Isa::best(), norm, x, residual)
}

/// Gradients of [`apply`] without a residual, from the gradient `dy` of its output; `gamma` is that of `norm`.
pub fn backward(norm: &Pending<'_>, x: &[f32], gamma: &[f32], dy: &[f32]) -> Gradients {
    backward_on(Isa::best(), norm, x, gamma, dy, true)
}

/// Gradients of [`apply`] with a residual, from its output `y` and the gradient `dy` of that; the last is the residual's,
/// in the shape of `x`.
pub fn backward_residual(norm: &Pending<'_>, x: &[f32], gamma: &[f32], y: &[f32], dy: &[f32]) -> (Gradients, Vec<f32>) {
    backward_residual_on(Isa::best(), norm, x, gamma, y, dy)
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
    let statistics = statistics::moments(isa, shape, x).statistics(eps);
    let y = apply_on(isa, &Pending::new(shape, &statistics, gamma, beta, activation), x, residual.map(Input::Map));
    (y, statistics)
}

pub(crate) fn apply_on(isa: Isa, norm: &Pending<'_>, x: &[f32], residual: Option<Input<'_>>) -> Vec<f32> {
    assert_eq!(x.len(), norm.shape().len(), "map does not match its shape");
    let residual = residual.map(|residual| residual.single(norm.shape()));
    Apply { norm, x, residual }.run(isa)
}

/// With `activated`, `dy` is the gradient after the activation, else that before it.
pub(crate) fn backward_on(
    isa: Isa,
    norm: &Pending<'_>,
    x: &[f32],
    gamma: &[f32],
    dy: &[f32],
    activated: bool,
) -> Gradients {
    assert_eq!([x.len(), dy.len()], [norm.shape().len(); 2], "maps do not match their shape");
    assert_eq!(gamma.len(), norm.shape().channels, "gamma does not match its shape");
    Backward { norm, x, gamma, dy, activated }.run(isa)
}

pub(crate) fn backward_residual_on(
    isa: Isa,
    norm: &Pending<'_>,
    x: &[f32],
    gamma: &[f32],
    y: &[f32],
    dy: &[f32],
) -> (Gradients, Vec<f32>) {
    assert_eq!([y.len(), dy.len()], [norm.shape().len(); 2], "maps do not match their shape");
    let residual = backward::before_activation(isa, norm.slope(), y, dy);
    (backward_on(isa, norm, x, gamma, &residual, false), residual)
}
