//! CPU kernels for 3D convolutional networks, on plain slices.
//!
//! Maps are channels last, `[N, D, H, W, C]`, contiguous; weights have PyTorch's layout and are packed per call, or
//! once with [`conv::Prepared`]. Every operation returns its output and gives the same bits for any number of threads and on every instruction
//! set: jobs and the order of every sum depend on the shape only. [`mod@reference`] holds the formulas that the fast
//! versions are tested against.
//!
//! Slices must have exactly the length that their shape says; a wrong length is a defect of the caller and panics.

pub mod attention;
pub mod channels;
pub mod conv;
pub mod depthwise;
pub mod encoding;
pub mod gelu;
pub mod grouped;
pub mod instance_norm;
pub mod layer_norm;
pub mod layout;
pub mod nearest;
pub mod patches;
pub mod pool;
pub mod reference;
pub mod region_loss;
pub mod transposed;
pub mod trilinear;

mod activation;
mod add;
mod allocator;
mod output;
mod simd;
#[cfg(test)]
mod tests;
mod tile;
mod winograd;

pub use activation::Activation;
pub use add::add;
pub use allocator::keep_freed_memory;
pub use attention::AttentionShape;
pub use conv::{ConvShape, bias_gradient};
pub use depthwise::DepthwiseShape;
pub use grouped::GroupedShape;
pub use pool::{Extremum, PoolShape};
pub use simd::{INSTRUCTION_SETS, instruction_set, use_instruction_set};
pub use transposed::TransposedShape;
