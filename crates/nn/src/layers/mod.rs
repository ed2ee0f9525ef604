//! The layers that models are made of. A layer owns the ids of its parameters and knows its geometry.

mod conv;
mod conv_norm;
mod transposed;

pub use conv::Conv;
pub use conv_norm::{ConvNorm, Norm};
pub use transposed::TransposedConv;
