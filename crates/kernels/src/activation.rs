//! Activations that kernels apply on the way.

/// What is applied to a value before it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, slope * x)` for a slope between 0 and 1; a slope of 0 is the ReLU.
    LeakyRelu(f32),
}

impl Activation {
    /// Factor of the negative branch; 1 for the identity.
    pub fn slope(self) -> f32 {
        match self {
            Activation::Identity => 1.0,
            Activation::LeakyRelu(slope) => slope,
        }
    }
}
