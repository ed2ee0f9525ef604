//! How the weight α of a composite loss changes over the epochs.

use serde::Serialize;
use std::f64::consts::PI;

/// A schedule of α. In the configuration `{"name": "linear", "params": {"init_pause": 5, …}}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "name", content = "params", rename_all = "lowercase")]
pub enum LossWeighting {
    /// The same in every epoch.
    Constant {
        /// α.
        value: f64,
    },
    /// From `start_val` to `end_val` along a straight line.
    Linear {
        /// Last epoch, counted from 0, that has `start_val`; −1 lets the decay begin at once.
        init_pause: i64,
        /// α at first.
        start_val: f64,
        /// α in the last epoch.
        end_val: f64,
    },
    /// From `start_val` to `end_val` along half a cosine wave.
    Cosine {
        /// Last epoch, counted from 0, that has `start_val`; −1 lets the decay begin at once.
        init_pause: i64,
        /// α at first.
        start_val: f64,
        /// α in the last epoch.
        end_val: f64,
    },
}

impl LossWeighting {
    /// Names of all schedules, sorted.
    pub const NAMES: [&str; 3] = ["constant", "cosine", "linear"];

    /// The schedule of that name with default parameters.
    pub fn with_defaults(name: &str) -> Option<Self> {
        let (init_pause, start_val, end_val) = (5, 1.0, 0.0);
        match name {
            "constant" => Some(Self::Constant { value: 0.5 }),
            "linear" => Some(Self::Linear { init_pause, start_val, end_val }),
            "cosine" => Some(Self::Cosine { init_pause, start_val, end_val }),
            _ => None,
        }
    }

    /// α in `epoch`, counted from 0, of a run of `epochs`.
    pub fn alpha(&self, epoch: u64, epochs: u64) -> f64 {
        match *self {
            Self::Constant { value } => value,
            Self::Linear { init_pause, start_val, end_val } => match progress(epoch, epochs, init_pause) {
                None => start_val,
                Some(done) => start_val + done * (end_val - start_val),
            },
            Self::Cosine { init_pause, start_val, end_val } => match progress(epoch, epochs, init_pause) {
                None => start_val,
                Some(done) => end_val + (start_val - end_val) * 0.5 * (1.0 + (PI * done).cos()),
            },
        }
    }

    /// Whether it is meant to change α and never does in a run of `epochs`.
    pub fn never_moves(&self, epochs: u64) -> bool {
        match *self {
            Self::Constant { .. } => false,
            Self::Linear { init_pause, .. } | Self::Cosine { init_pause, .. } => {
                progress(epochs.saturating_sub(1), epochs, init_pause).is_none()
            }
        }
    }
}

/// Share of the way from start to end, `None` up to and including epoch `pause`.
fn progress(epoch: u64, epochs: u64, pause: i64) -> Option<f64> {
    let after = epoch as f64 - pause as f64;
    let way = (epochs.saturating_sub(1).max(1) as f64 - pause as f64).max(1.0);
    (after > 0.0).then(|| (after / way).min(1.0))
}
