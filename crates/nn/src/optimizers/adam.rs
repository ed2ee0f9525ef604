//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).

use super::TensorState;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPS: f32 = 1e-8;

/// `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`, `w ← w − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)`.
pub struct Adam {
    /// Strength of the decay.
    pub weight_decay: f64,
    /// Decay the weights themselves (AdamW) instead of adding to the gradient.
    pub decoupled: bool,
}

impl Adam {
    pub fn update(&self, learning_rate: f64, values: &mut [f32], gradient: &[f32], state: &mut TensorState) {
        state.first.resize(values.len(), 0.0);
        state.second.resize(values.len(), 0.0);
        let step = state.step as f64;
        let step_size = (learning_rate / (1.0 - BETA1.powf(step))) as f32;
        let correction = (1.0 - BETA2.powf(step)).sqrt() as f32;
        let shrink = if self.decoupled { (1.0 - learning_rate * self.weight_decay) as f32 } else { 1.0 };
        let penalty = if self.decoupled { 0.0 } else { self.weight_decay as f32 };
        let (beta2, rest1, rest2) = (BETA2 as f32, (1.0 - BETA1) as f32, (1.0 - BETA2) as f32);
        let buffers = state.first.iter_mut().zip(&mut state.second);
        for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(buffers) {
            let gradient = penalty.mul_add(*value, *gradient);
            *value *= shrink;
            *first += rest1 * (gradient - *first);
            *second = beta2 * *second + rest2 * gradient * gradient;
            *value -= step_size * *first / (second.sqrt() / correction + EPS);
        }
    }
}
