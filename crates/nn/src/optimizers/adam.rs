//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).

use super::{CHUNK, TensorState};
use rayon::prelude::*;

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

/// Numbers that all values share in a step.
struct Step {
    size: f32,
    correction: f32,
    shrink: f32,
    penalty: f32,
}

impl Adam {
    pub fn update(&self, learning_rate: f64, values: &mut [f32], gradient: &[f32], state: &mut TensorState) {
        state.first.resize(values.len(), 0.0);
        state.second.resize(values.len(), 0.0);
        let count = state.step as f64;
        let step = Step {
            size: (learning_rate / (1.0 - BETA1.powf(count))) as f32,
            correction: (1.0 - BETA2.powf(count)).sqrt() as f32,
            shrink: if self.decoupled { (1.0 - learning_rate * self.weight_decay) as f32 } else { 1.0 },
            penalty: if self.decoupled { 0.0 } else { self.weight_decay as f32 },
        };
        let buffers = state.first.par_chunks_mut(CHUNK).zip(state.second.par_chunks_mut(CHUNK));
        let tensors = values.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
        tensors.zip(buffers).for_each(|((values, gradient), (first, second))| {
            // Without a penalty there is nothing in the loop that keeps it from being vectorized.
            if step.penalty == 0.0 {
                step.take::<false>(values, gradient, first, second);
            } else {
                step.take::<true>(values, gradient, first, second);
            }
        });
    }
}

impl Step {
    fn take<const PENALTY: bool>(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let (beta2, rest1, rest2) = (BETA2 as f32, (1.0 - BETA1) as f32, (1.0 - BETA2) as f32);
        let buffers = first.iter_mut().zip(second);
        for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(buffers) {
            let gradient = if PENALTY { self.penalty.mul_add(*value, *gradient) } else { *gradient };
            *value *= self.shrink;
            *first += rest1 * (gradient - *first);
            *second = beta2 * *second + rest2 * gradient * gradient;
            *value -= self.size * *first / (second.sqrt() / self.correction + EPS);
        }
    }
}
