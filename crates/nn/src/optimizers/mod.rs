//! Optimizers on plain slices, with the arithmetic of PyTorch. One parameter group: every tensor, biases and norm
//! weights included, gets the same weight decay.

mod adam;
mod clip;
mod sgd;

pub use clip::clip_to_norm;

use adam::Adam;
use sgd::Sgd;

/// Values of one job: enough to be worth a thread.
const CHUNK: usize = 32 * 1024;

/// Names of all optimizers, sorted.
pub const NAMES: [&str; 3] = ["adam", "adamw", "sgd"];

/// Which update rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Kingma and Ba 2015, with L2 penalty in the gradient.
    Adam,
    /// Loshchilov and Hutter 2019, with decoupled weight decay.
    AdamW,
    /// Stochastic gradient descent with Nesterov momentum 0.9.
    Sgd,
}

impl Kind {
    /// Looks a name up, in any case.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "adam" => Some(Self::Adam),
            "adamw" => Some(Self::AdamW),
            "sgd" => Some(Self::Sgd),
            _ => None,
        }
    }

    /// The name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::AdamW => "adamw",
            Self::Sgd => "sgd",
        }
    }
}

/// The buffers of one tensor, named as in PyTorch's checkpoints.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorState {
    /// Updates so far.
    pub step: u64,
    /// `exp_avg` of Adam, `momentum_buffer` of SGD; empty before the first update.
    pub first: Vec<f32>,
    /// `exp_avg_sq` of Adam; empty for SGD.
    pub second: Vec<f32>,
}

/// An update rule with its state.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    kind: Kind,
    weight_decay: f64,
    states: Vec<TensorState>,
}

impl Optimizer {
    /// For `tensors` tensors, before the first update.
    pub fn new(kind: Kind, weight_decay: f64, tensors: usize) -> Self {
        Self { kind, weight_decay, states: vec![TensorState::default(); tensors] }
    }

    /// Continues from saved buffers.
    pub fn from_states(kind: Kind, weight_decay: f64, states: Vec<TensorState>) -> Self {
        Self { kind, weight_decay, states }
    }

    /// Which update rule.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The weight decay.
    pub fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    /// The buffers, in the order of the tensors.
    pub fn states(&self) -> &[TensorState] {
        &self.states
    }

    /// One update of all tensors at this learning rate. Tensors, gradients and states are in the same order.
    pub fn step(&mut self, learning_rate: f64, values: &mut [Vec<f32>], gradients: &[Vec<f32>]) {
        let (kind, weight_decay) = (self.kind, self.weight_decay);
        for ((values, gradient), state) in values.iter_mut().zip(gradients).zip(&mut self.states) {
            state.step += 1;
            match kind {
                Kind::Sgd => Sgd { weight_decay }.update(learning_rate, values, gradient, state),
                Kind::Adam => Adam { weight_decay, decoupled: false }.update(learning_rate, values, gradient, state),
                Kind::AdamW => Adam { weight_decay, decoupled: true }.update(learning_rate, values, gradient, state),
            }
        }
    }
}
