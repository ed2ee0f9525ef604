//! Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013), without dampening.

use super::TensorState;

const MOMENTUM: f32 = 0.9;

/// `b ← g` at first, then `0.9 b + g`; `w ← w − lr (g + 0.9 b)`.
pub struct Sgd {
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
}

impl Sgd {
    pub fn update(&self, learning_rate: f64, values: &mut [f32], gradient: &[f32], state: &mut TensorState) {
        let (penalty, rate) = (self.weight_decay as f32, learning_rate as f32);
        let first_update = state.first.is_empty();
        state.first.resize(values.len(), 0.0);
        for ((value, gradient), buffer) in values.iter_mut().zip(gradient).zip(&mut state.first) {
            let gradient = penalty.mul_add(*value, *gradient);
            *buffer = if first_update { gradient } else { MOMENTUM * *buffer + gradient };
            *value -= rate * (gradient + MOMENTUM * *buffer);
        }
    }
}
