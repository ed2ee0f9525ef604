//! Loss functions, one file each. A new one is a file here and a line in [`crate::Registry::builtin`].

pub mod dice;
pub mod dice_ce;
mod region;
mod supervision;

pub use region::{Classes, Segmentation, SegmentationError};
pub use supervision::deep_supervision;

use mist_ops::Tensor;

/// A differentiable measure of disagreement between predicted probabilities and the truth.
pub trait Loss: Send + Sync {
    /// The loss of one head, a single value.
    fn value(&self, prediction: &Segmentation) -> Tensor<1>;
}

/// How a loss is offered: what it needs and how it is built.
pub struct LossEntry {
    /// Whether it weighs a region and a boundary part by `alpha`, and so follows a weighting schedule.
    pub composite: bool,
    /// Builds it. The argument says which classes count.
    pub build: fn(Classes) -> Box<dyn Loss>,
}
