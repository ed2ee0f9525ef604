//! How the weights of a layer start, by the number of values that each of its outputs sums up (the fan).

use crate::parameters::Init;

/// Slope of the leaky ReLU for negative values, everywhere in these networks.
pub const SLOPE: f32 = 0.01;

/// Starts of a layer's weights and of its bias, by the fan of the weights.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Of the weights.
    pub weight: fn(usize) -> Init,
    /// Of the bias.
    pub bias: fn(usize) -> Init,
}

impl Start {
    /// Normal for leaky ReLU, with a standard deviation of `√(2/(1 + slope²)/fan)`; biases at 0 (He et al. 2015).
    pub const KAIMING: Self = Self { weight: kaiming_normal, bias: |_| Init::Constant(0.0) };
    /// Uniform in `±1/√fan`, biases as well: what PyTorch does unless told otherwise.
    pub const UNIFORM: Self = Self { weight: uniform, bias: uniform };
}

fn kaiming_normal(fan: usize) -> Init {
    let slope = f64::from(SLOPE);
    Init::Normal((2.0 / (1.0 + slope * slope) / fan as f64).sqrt() as f32)
}

fn uniform(fan: usize) -> Init {
    Init::Uniform((1.0 / fan as f64).sqrt() as f32)
}
