//! Differentiable operations.
pub use burn::tensor::{Device, Tensor};
