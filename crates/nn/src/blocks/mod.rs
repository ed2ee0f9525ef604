//! Blocks shared by several models (spec: two convolutions, each with instance norm and leaky ReLU).

mod double_conv;
mod head;
mod up;

pub use double_conv::{DoubleConv, Shortcut};
pub use head::Head;
pub use up::Up;

use crate::parameters::Init;
use mist_ops::Activation;

/// Slope of the leaky ReLU for negative values, everywhere in these networks.
pub const SLOPE: f32 = 0.01;

/// The activation of these blocks.
pub const LEAKY_RELU: Activation = Activation::LeakyRelu(SLOPE);

/// Normal initialisation for leaky ReLU (He et al. 2015): `√(2/(1 + slope²)/fan)`.
pub fn kaiming_normal(fan: usize) -> Init {
    let slope = f64::from(SLOPE);
    Init::Normal((2.0 / (1.0 + slope * slope) / fan as f64).sqrt() as f32)
}
