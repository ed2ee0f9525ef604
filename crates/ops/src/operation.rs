//! What one of our own operations has to say: forward and backward on contiguous `f32` slices.
//!
//! An operation knows nothing of tensors or of the gradient tape; `apply` puts it on both.

use std::fmt::Debug;

/// Contiguous values with their shape, last axis fastest.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The values; empty where the operation did not ask to keep them.
    pub values: &'a [f32],
    /// Extents, slowest axis first.
    pub shape: &'a [usize],
}

/// What the forward pass produces.
pub struct Output {
    /// The result, of the shape that [`Operation::shape`] says.
    pub values: Vec<f32>,
    /// What the backward pass wants to find again, such as statistics.
    pub saved: Vec<Vec<f32>>,
}

impl Output {
    /// A result for which nothing need be saved.
    pub fn plain(values: Vec<f32>) -> Self {
        Self { values, saved: Vec::new() }
    }
}

/// What the backward pass may look at.
pub struct Context<'a> {
    /// Inputs of the forward pass; their values are empty unless kept by [`Keeps::inputs`].
    pub inputs: &'a [View<'a>],
    /// Result of the forward pass; empty unless [`Keeps::output`].
    pub output: &'a [f32],
    /// What the forward pass saved.
    pub saved: &'a [&'a [f32]],
    /// Gradient of the loss by the result.
    pub gradient: &'a [f32],
    /// For each input, whether its gradient is wanted.
    pub wanted: &'a [bool],
}

/// Which tensors stay alive until the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Keeps {
    /// The first so many inputs.
    pub inputs: usize,
    /// The result.
    pub output: bool,
}

/// A differentiable operation.
pub trait Operation: Debug + Send + Sync + 'static {
    /// Which tensors the backward pass reads.
    fn keeps(&self) -> Keeps;

    /// What it does and on which size, for lists of times.
    fn name(&self) -> String;

    /// Multiplications and additions of the result, and of each gradient of the first two inputs; 0 where they are not
    /// what takes time.
    fn operations(&self) -> f64 {
        0.0
    }

    /// Extents of the result, from those of the inputs.
    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize>;

    /// Computes the result.
    fn forward(&self, inputs: &[View<'_>]) -> Output;

    /// One gradient per input, `None` where none is wanted.
    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>>;
}

/// Extents of a grid, for [`Operation::name`].
pub(crate) fn grid(size: [usize; 3]) -> String {
    let [a, b, c] = size;
    if a == b && b == c { format!("{a}³") } else { format!("{a}×{b}×{c}") }
}
