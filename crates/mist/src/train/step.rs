//! One optimizer step.

use crate::error::{Error, Result};
use crate::load::Batch;
use mist_nn::losses::{Encoding, Loss, Target, TargetError, deep_supervision};
use mist_nn::models::{Mode, Model, Output};
use mist_nn::optimizers::{Optimizer, clip_to_norm};
use mist_nn::parameters::{Parameters, Weights};
use mist_nn::timing::{Direction::Backward, Direction::Forward, timed};
use mist_nn::{Device, FeatureMap, Gradients};
use rayon::prelude::*;

/// Values of one job: enough to be worth a thread.
const PART: usize = 32 * 1024;

/// What stays the same over the steps of a fold.
pub struct Trainer<'a> {
    /// The network.
    pub model: &'a dyn Model,
    /// What is minimised.
    pub loss: &'a dyn Loss,
    /// What labels and outputs mean.
    pub encoding: Encoding,
    /// Largest norm of the gradients.
    pub clip_norm: f64,
    /// Where the work runs; records gradients.
    pub device: Device,
}

impl Trainer<'_> {
    /// One update at this learning rate by the mean gradient of these batches; returns their mean loss before it. `alpha` is the
    /// weight of the first term of a composite loss.
    ///
    /// A loss or gradient that is not finite leaves weights and optimizer as they were and is an error that names
    /// the cases of all batches.
    pub fn step(
        &self,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
        batches: impl Iterator<Item = Result<Batch>> + Send,
        rate: f64,
        alpha: Option<f64>,
    ) -> Result<f64> {
        // On a thread of the pool: from outside, every operation would wake the pool and wait to be woken.
        rayon::scope(|_| self.step_in_pool(parameters, optimizer, batches, rate, alpha))
    }

    fn step_in_pool(
        &self,
        parameters: &mut Parameters,
        optimizer: &mut Optimizer,
        batches: impl Iterator<Item = Result<Batch>>,
        rate: f64,
        alpha: Option<f64>,
    ) -> Result<f64> {
        let weights = timed("weights to the device", Forward, || parameters.on(&self.device));
        let mut mean = Mean::default();
        let mut ids = Vec::new();
        for batch in batches {
            let batch = batch?;
            ids.extend_from_slice(&batch.ids);
            let (value, gradients) = self.gradients(&weights, batch, alpha)?;
            mean.add(value, gradients);
        }
        drop(weights);
        let (value, mut gradients) = mean.finish();
        let norm = timed("gradient clipping", Backward, || clip_to_norm(&mut gradients, self.clip_norm));
        if !value.is_finite() || !norm.is_finite() {
            return Err(Error::new(format!("the loss became {value}, the norm of its gradient {norm}"))
                .place(format!("cases {}", ids.join(", ")))
                .hint("lower --learning-rate, or look at these cases; the last good weights were kept"));
        }
        timed("optimizer", Backward, || optimizer.step(rate, parameters.values_mut(), &gradients));
        Ok(value)
    }

    /// The loss of a batch and its gradient by the weights.
    fn gradients(&self, weights: &Weights, batch: Batch, alpha: Option<f64>) -> Result<(f64, Vec<Vec<f32>>)> {
        let Batch { images, labels, distances, size: [x, y, z], channels, ids } = batch;
        let image = FeatureMap::from_channels_last(images, [ids.len(), x, y, z, channels], &self.device);
        let output = self.model.forward(weights, &image, Mode::Training);
        let fitting = |error: TargetError| Error::new(error.to_string()).place(format!("cases {}", ids.join(", ")));
        let target = self.target(&labels, distances, alpha, &output).map_err(fitting)?;
        let loss = deep_supervision(self.loss, &target, output).map_err(fitting)?;
        let mut gradients = Gradients::of(&loss);
        let value = f64::from(loss.into_scalar::<f32>());
        Ok((value, timed("gradients from the device", Backward, || weights.gradients(&mut gradients))))
    }

    fn target(
        &self,
        labels: &[u8],
        distances: Option<Vec<f32>>,
        alpha: Option<f64>,
        output: &Output,
    ) -> std::result::Result<Target, TargetError> {
        let prediction = &output.prediction;
        let mut target = Target::new(labels, prediction.size(), &self.encoding, &prediction.device())?;
        if let Some(distances) = distances {
            target = target.with_distance_maps(distances)?;
        }
        Ok(match alpha {
            Some(alpha) => target.with_alpha(alpha),
            None => target,
        })
    }
}

/// Mean loss and gradient of the batches of a step.
#[derive(Default)]
struct Mean {
    batches: usize,
    loss: f64,
    gradients: Vec<Vec<f32>>,
}

impl Mean {
    fn add(&mut self, loss: f64, gradients: Vec<Vec<f32>>) {
        self.batches += 1;
        self.loss += loss;
        if self.batches == 1 {
            self.gradients = gradients;
            return;
        }
        for (sums, gradients) in self.gradients.iter_mut().zip(&gradients) {
            let parts = sums.par_chunks_mut(PART).zip(gradients.par_chunks(PART));
            parts.for_each(|(sums, parts)| sums.iter_mut().zip(parts).for_each(|(sum, value)| *sum += value));
        }
    }

    fn finish(mut self) -> (f64, Vec<Vec<f32>>) {
        if self.batches > 1 {
            let share = 1.0 / self.batches as f32;
            for sums in &mut self.gradients {
                sums.par_chunks_mut(PART).for_each(|part| part.iter_mut().for_each(|sum| *sum *= share));
            }
        }
        (self.loss / self.batches.max(1) as f64, self.gradients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_nn::Registry;
    use mist_nn::losses::{Classes, dice_ce::DiceCe};
    use mist_nn::models::ModelConfig;
    use mist_nn::optimizers::Kind;
    use mist_nn::random::{Place, Purpose, Stream};

    const SIZE: [usize; 3] = [32; 3];

    fn batch(samples: std::ops::Range<u32>) -> Batch {
        let voxels = SIZE.iter().product::<usize>();
        let noise = |sample: u32| Stream::new(3, Purpose::Synthesis, Place { sample, ..Place::default() });
        let mut images = Vec::new();
        for sample in samples.clone() {
            let mut noise = noise(sample);
            images.extend((0..voxels).map(|_| noise.normal() as f32));
        }
        let labels = (0..voxels * samples.len()).map(|voxel| (voxel % voxels / 7 % 2) as u8).collect();
        let ids = samples.map(|sample| format!("case{sample}")).collect();
        Batch { images, labels, distances: None, size: SIZE, channels: 1, ids }
    }

    /// Loss and weights after a step on these batches.
    fn stepped(batches: Vec<Batch>) -> Result<(f64, Parameters)> {
        let config = ModelConfig {
            in_channels: 1,
            out_channels: 2,
            patch_size: SIZE,
            target_spacing: [1.0; 3],
            extra: serde_json::Map::new(),
        };
        let model = Registry::builtin().build("nnunet-pocket", &config).unwrap();
        let loss = DiceCe::new(Classes::All);
        let (encoding, device) = (Encoding::classes(2), mist_nn::for_training());
        let trainer = Trainer { model: model.as_ref(), loss: &loss, encoding, clip_norm: 1.0, device };
        let mut parameters = Parameters::initial(model.layout(), 1);
        let mut optimizer = Optimizer::new(Kind::Sgd, 0.0, parameters.layout().parameters.len());
        let loss = trainer.step(&mut parameters, &mut optimizer, batches.into_iter().map(Ok), 0.1, None)?;
        Ok((loss, parameters))
    }

    #[test]
    fn two_batches_of_one_sample_make_the_step_of_one_batch_of_two() {
        let (loss, weights) = stepped(vec![batch(0..2)]).unwrap();
        let (accumulated_loss, accumulated) = stepped(vec![batch(0..1), batch(1..2)]).unwrap();
        assert!((loss - accumulated_loss).abs() < 1e-5, "{loss} {accumulated_loss}");
        let pairs = || weights.values().iter().flatten().zip(accumulated.values().iter().flatten());
        let farthest = pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(farthest < 1e-5, "{farthest}");
        let (_, other) = stepped(vec![batch(0..1)]).unwrap();
        assert!(other != accumulated, "the second batch counts");
    }

    #[test]
    fn a_step_that_is_not_finite_names_the_cases_of_all_its_batches() {
        let mut bad = batch(1..2);
        bad.images[5] = f32::NAN;
        let error = stepped(vec![batch(0..1), bad, batch(2..3)]).unwrap_err();
        assert!(error.to_string().contains("cases case0, case1, case2"), "{error}");
    }
}
