//! The layers that models are made of. A layer owns the ids of its parameters and knows its geometry.

mod conv;
mod conv_norm;
mod linear;
mod norm;
mod start;
mod transposed;

pub use conv::Conv;
pub use conv_norm::ConvNorm;
pub use linear::Linear;
pub use norm::Norm;
pub use start::{SLOPE, Start};
pub use transposed::TransposedConv;
