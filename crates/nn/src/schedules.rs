//! Learning rate per epoch: linear warm-up, then constant, cosine (Loshchilov and Hutter 2017) or polynomial decay.

/// Names of all schedules, sorted.
pub const NAMES: [&str; 3] = ["constant", "cosine", "polynomial"];

/// Share of the base rate in epoch 0 of a warm-up.
const WARMUP_START: f64 = 0.01;
/// Exponent of the polynomial decay.
const POWER: f64 = 0.9;

/// Shape after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Stays at the base rate.
    Constant,
    /// Half a cosine down to 0.
    Cosine,
    /// `(1 − k/T)^0.9`.
    Polynomial,
}

impl Shape {
    /// Looks a name up, in any case.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "constant" => Some(Self::Constant),
            "cosine" => Some(Self::Cosine),
            "polynomial" => Some(Self::Polynomial),
            _ => None,
        }
    }

    /// The name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Cosine => "cosine",
            Self::Polynomial => "polynomial",
        }
    }
}

/// A learning-rate schedule in closed form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Shape after the warm-up.
    pub shape: Shape,
    /// Highest rate.
    pub base: f64,
    /// Epochs of the whole run.
    pub epochs: u64,
    /// Epochs of linear warm-up; epoch `warmup` has the base rate.
    pub warmup: u64,
}

impl Schedule {
    /// The rate used in `epoch`, counted from 0.
    pub fn rate(&self, epoch: u64) -> f64 {
        if epoch < self.warmup {
            let done = epoch as f64 / self.warmup as f64;
            return self.base * (WARMUP_START + (1.0 - WARMUP_START) * done);
        }
        let after = (epoch - self.warmup) as f64;
        let total = self.epochs.saturating_sub(self.warmup).max(1) as f64;
        match self.shape {
            Shape::Constant => self.base,
            Shape::Cosine => self.base * 0.5 * (1.0 + (std::f64::consts::PI * after / total).cos()),
            Shape::Polynomial => self.base * (1.0 - after / total).max(0.0).powf(POWER),
        }
    }
}
