//! A moving average of the weights, which is often better than the latest ones.

use mist_nn::parameters::Parameters;
use rayon::prelude::*;

/// Values of one job: enough to be worth a thread.
const PART: usize = 32 * 1024;

/// `average += (1 − d)·(weights − average)` after every step (Polyak and Juditsky 1992, with exponential weights), where
/// `d = min(decay, (1 + t)/(10 + t))` after `t` steps, so that the first weights are soon forgotten (as in TensorFlow's
/// `ExponentialMovingAverage`).
#[derive(Clone, Debug, PartialEq)]
pub struct Average {
    decay: f64,
    weights: Parameters,
}

impl Average {
    /// Begins with the weights at hand.
    pub fn new(decay: f64, weights: &Parameters) -> Self {
        Self { decay, weights: weights.clone() }
    }

    /// This kind of average, going on from `weights`.
    pub fn continued(&self, weights: Parameters) -> Self {
        Self { decay: self.decay, weights }
    }

    /// The average.
    pub fn weights(&self) -> &Parameters {
        &self.weights
    }

    /// Adds the weights after so many steps of the whole run.
    pub fn add(&mut self, weights: &Parameters, steps: u64) {
        let steps = steps as f64;
        let share = (1.0 - self.decay.min((1.0 + steps) / (10.0 + steps))) as f32;
        for (average, values) in self.weights.values_mut().iter_mut().zip(weights.values()) {
            let parts = average.par_chunks_mut(PART).zip(values.par_chunks(PART));
            parts.for_each(|(average, values)| {
                average.iter_mut().zip(values).for_each(|(average, value)| *average += share * (value - *average));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_nn::parameters::{Builder, Init};

    #[test]
    fn the_average_follows_its_formula() {
        let mut builder = Builder::default();
        builder.add("a", [2], Init::Constant(0.0));
        let layout = builder.finish();
        let weights =
            |values: [f32; 2]| Parameters::from_values(&layout, vec![values.to_vec()]).expect("as the specs say");
        let mut average = Average::new(0.5, &weights([1.0, 0.0]));
        // (1 + 2)/(10 + 2) is below the decay, (1 + 100)/(10 + 100) above.
        average.add(&weights([0.0, 4.0]), 2);
        assert_eq!(average.weights().values(), [[0.25, 3.0]]);
        average.add(&weights([1.25, 3.0]), 100);
        assert_eq!(average.weights().values(), [[0.75, 3.0]]);
    }
}
