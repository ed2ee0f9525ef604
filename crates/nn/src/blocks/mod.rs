//! Blocks shared by several models.

mod double_conv;
mod head;
mod mednext;
mod swin;
mod up;

pub use double_conv::{DoubleConv, Shortcut};
pub use head::Head;
pub use mednext::{MedNextBlock, Sampling};
pub use swin::{MergePatches, SwinBlock};
pub use up::Up;

use crate::layers::{SLOPE, Start};
use mist_ops::Activation;

/// The activation of convolution blocks.
pub const LEAKY_RELU: Activation = Activation::LeakyRelu(SLOPE);

/// What differs between the convolution blocks of one network and those of another.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// How weights start.
    pub start: Start,
    /// Whether norms have a learnt scale and shift.
    pub affine: bool,
    /// Whether up-sampling has a bias.
    pub up_bias: bool,
}

impl Style {
    /// nnU-Net and its relatives.
    pub const NNUNET: Self = Self { start: Start::KAIMING, affine: true, up_bias: true };
    /// Swin UNETR.
    pub const SWIN: Self = Self { start: Start::UNIFORM, affine: false, up_bias: false };
}
