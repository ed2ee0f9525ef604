//! Losses of a region and a boundary term.

use super::Segmentation;
use mist_ops::Tensor;

/// `α · first + (1 − α) · second`, with the step's α.
pub fn weigh(head: &Segmentation, first: Tensor<1>, second: Tensor<1>) -> Tensor<1> {
    let alpha = head.target.alpha();
    first * alpha as f32 + second * (1.0 - alpha) as f32
}
