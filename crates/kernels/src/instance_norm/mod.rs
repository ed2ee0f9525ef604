//! Instance normalisation fused with a residual sum and an activation:
//! `y = act(gamma * (x - mean) * rstd + beta + residual)`, statistics per image and channel.

mod backward;
mod forward;
mod moments;
mod pending;
mod statistics;

use crate::Activation;
use crate::simd::Isa;
use backward::Backward;
use forward::Apply;
pub use moments::Moments;
pub(crate) use moments::Part;
pub(crate) use pending::Lanes;
pub use pending::Pending;

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

/// Where the backward pass sees which branch the activation took.
#[derive(Clone, Copy, Debug)]
pub enum Branch<'a> {
    /// In the sign of the output.
    Output(&'a [f32]),
    /// In the sign of the norm, computed again; only without a residual.
    Recomputed,
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

/// Mean and deviation of `x`, `[batch, voxels, channels]`, per image and channel.
pub fn statistics(shape: &NormShape, x: &[f32], eps: f32) -> Statistics {
    assert_eq!(x.len(), shape.len(), "map does not match its shape");
    statistics::moments(Isa::best(), shape, x).statistics(eps)
}

/// Applies `norm` to `x`, adding `residual`, of the shape of `x`, before the activation.
pub fn apply(norm: &Pending<'_>, x: &[f32], residual: Option<&[f32]>) -> Vec<f32> {
    apply_on(Isa::best(), norm, x, residual)
}

/// Gradients of [`forward`] or [`apply`] from the gradient `dy` of the output; `gamma` is that of `norm`.
pub fn backward(
    norm: &Pending<'_>,
    x: &[f32],
    gamma: &[f32],
    branch: Branch<'_>,
    dy: &[f32],
    has_residual: bool,
) -> Gradients {
    backward_on(Isa::best(), norm, x, gamma, branch, dy, has_residual)
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
    let y = apply_on(isa, &Pending::new(shape, &statistics, gamma, beta, activation), x, residual);
    (y, statistics)
}

fn apply_on(isa: Isa, norm: &Pending<'_>, x: &[f32], residual: Option<&[f32]>) -> Vec<f32> {
    assert_eq!(x.len(), norm.shape().len(), "map does not match its shape");
    assert!(residual.is_none_or(|residual| residual.len() == x.len()), "residual does not match its shape");
    Apply { norm, x, residual }.run(isa)
}

pub(crate) fn backward_on(
    isa: Isa,
    norm: &Pending<'_>,
    x: &[f32],
    gamma: &[f32],
    branch: Branch<'_>,
    dy: &[f32],
    has_residual: bool,
) -> Gradients {
    let len = norm.shape().len();
    assert_eq!([x.len(), dy.len()], [len; 2], "maps do not match their shape");
    match branch {
        Branch::Output(y) => assert_eq!(y.len(), len, "output does not match its shape"),
        Branch::Recomputed => assert!(!has_residual, "a residual has a say in the branch"),
    }
    assert_eq!(gamma.len(), norm.shape().channels, "gamma does not match its shape");
    Backward { norm, x, gamma, branch, dy }.run(isa, has_residual)
}
