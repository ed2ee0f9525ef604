//! One optimizer step.

use crate::error::{Error, Result};
use crate::load::Batch;
use mist_nn::losses::{Loss, Target, TargetError, deep_supervision};
use mist_nn::models::{Mode, Model, Output};
use mist_nn::optimizers::{Optimizer, clip_to_norm};
use mist_nn::parameters::Parameters;
use mist_nn::timing::{Direction::Backward, Direction::Forward, timed};
use mist_nn::{Device, FeatureMap, Gradients};

/// What stays the same over the steps of a fold.
pub struct Trainer<'a> {
    /// The network.
    pub model: &'a dyn Model,
    /// What is minimised.
    pub loss: &'a dyn Loss,
    /// Largest norm of the gradients.
    pub clip_norm: f64,
    /// Where the work runs; records gradients.
    pub device: Device,
}

impl Trainer<'_> {
    /// Trains on one batch at this learning rate and returns the loss before the update. `alpha` is the weight of the first term
    /// of a composite loss.
    ///
    /// A loss or gradient that is not finite leaves weights and optimizer as they were and is an error that names
    /// the cases of the batch.
    pub fn step(
        &self,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
        batch: Batch,
        rate: f64,
        alpha: Option<f64>,
    ) -> Result<f64> {
        // On a thread of the pool: from outside, every operation would wake the pool and wait to be woken.
        rayon::scope(|_| self.step_in_pool(parameters, optimizer, batch, rate, alpha))
    }

    fn step_in_pool(
        &self,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
        batch: Batch,
        rate: f64,
        alpha: Option<f64>,
    ) -> Result<f64> {
        let Batch { images, labels, distances, size: [x, y, z], channels, ids } = batch;
        let weights = timed("weights to the device", Forward, || parameters.on(&self.device));
        let image = FeatureMap::from_channels_last(images, [ids.len(), x, y, z, channels], &self.device);
        let output = self.model.forward(&weights, &image, Mode::Training);
        let fitting = |error: TargetError| Error::new(error.to_string()).place(format!("cases {}", ids.join(", ")));
        let target = target(&labels, distances, alpha, &output).map_err(fitting)?;
        let loss = deep_supervision(self.loss, &target, output).map_err(fitting)?;
        let mut gradients = Gradients::of(&loss);
        let value = f64::from(loss.into_scalar::<f32>());
        let mut gradients = timed("gradients from the device", Backward, || weights.gradients(&mut gradients));
        drop(weights);
        let norm = timed("gradient clipping", Backward, || clip_to_norm(&mut gradients, self.clip_norm));
        if !value.is_finite() || !norm.is_finite() {
            return Err(Error::new(format!("the loss became {value}, the norm of its gradient {norm}"))
                .place(format!("cases {}", ids.join(", ")))
                .hint("lower --learning-rate, or look at these cases; the last good weights were kept"));
        }
        timed("optimizer", Backward, || optimizer.step(rate, parameters.values_mut(), &gradients));
        Ok(value)
    }
}

fn target(
    labels: &[u8],
    distances: Option<Vec<f32>>,
    alpha: Option<f64>,
    output: &Output,
) -> std::result::Result<Target, TargetError> {
    let prediction = &output.prediction;
    let mut target = Target::new(labels, prediction.size(), prediction.channels(), &prediction.device())?;
    if let Some(distances) = distances {
        target = target.with_distance_maps(distances)?;
    }
    Ok(match alpha {
        Some(alpha) => target.with_alpha(alpha),
        None => target,
    })
}
