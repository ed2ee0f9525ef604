//! Training of one fold: the epoch loop, from its start or from a checkpoint.

use super::checkpoint::{self, Checkpoint};
use super::log::Log;
use super::step::Trainer;
use super::validate::Validator;
use crate::console::Console;
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::load::Loader;
use crate::network;
use crate::text::duration;
use mist_nn::losses::LossWeighting;
use std::path::Path;
use std::time::Instant;

/// Everything that the epoch loop of a fold works with.
pub struct FoldRun<'a> {
    /// Results folder.
    pub results: &'a Path,
    /// Training patches.
    pub loader: &'a Loader,
    /// Threads that prepare them; 0 prepares them between the steps.
    pub loader_threads: usize,
    /// Epochs of the whole run.
    pub epochs: usize,
    /// How a composite loss weighs its terms over the epochs; the loss's own weight if absent.
    pub weighting: Option<&'a LossWeighting>,
    /// Steps of an epoch.
    pub steps: usize,
    /// One step.
    pub trainer: Trainer<'a>,
    /// Validation after each epoch.
    pub validator: Validator<'a>,
}

impl FoldRun<'_> {
    /// Trains from `state` to the last epoch. After every epoch a checkpoint is written, and the weights whenever the mean
    /// validation loss is the smallest so far. A stop that the user asks for saves the step it comes in.
    pub fn run(&self, mut state: Checkpoint, console: &dyn Console) -> Result<()> {
        let mut log = Log::open(self.results, state.fold)?;
        while state.epoch < self.epochs {
            let trained = self.train_epoch(&mut state, console).and_then(|()| self.validate(&state, console));
            let validation = match trained {
                Err(error) if error.kind() == Kind::Interrupted => {
                    state.write(&checkpoint::file(self.results, state.fold))?;
                    return Err(error);
                }
                other => other?,
            };
            if validation.is_nan() {
                return Err(Error::new("the validation loss is not a number")
                    .place(format!("fold {}, epoch {}", state.fold, state.epoch + 1))
                    .hint("lower --learning-rate; the last good weights were kept"));
            }
            let training = state.loss_sum / self.steps.max(1) as f64;
            let number = state.epoch + 1;
            if validation < state.best {
                console.info(&format!(
                    "Epoch {number}: training loss {training:.4}, validation loss {validation:.4}, improved from {:.4}; saving the weights",
                    state.best
                ));
                state.best = validation;
                let path = network::weights_file(&self.results.join("models"), state.fold);
                network::write_weights(&path, &state.parameters)?;
            } else {
                console.info(&format!(
                    "Epoch {number}: training loss {training:.4}, validation loss {validation:.4}, no improvement on {:.4}",
                    state.best
                ));
            }
            log.epoch(number, state.schedule.rate(number as u64), training, validation)?;
            (state.epoch, state.step, state.loss_sum) = (number, 0, 0.0);
            state.write(&checkpoint::file(self.results, state.fold))?;
        }
        Ok(())
    }

    /// The remaining steps of the epoch.
    fn train_epoch(&self, state: &mut Checkpoint, console: &dyn Console) -> Result<()> {
        let remaining = self.steps.saturating_sub(state.step);
        if remaining == 0 {
            return Ok(());
        }
        let rate = state.schedule.rate(state.epoch as u64);
        let alpha = self.weighting.map(|weighting| weighting.alpha(state.epoch as u64, self.epochs as u64));
        let title = format!("Fold {}, epoch {}/{}", state.fold, state.epoch + 1, self.epochs);
        let bar = console.bar(&title, remaining as u64);
        let begin = Instant::now();
        let batches = self.loader.stream(state.epoch, state.step, remaining, self.loader_threads)?;
        for (done, batch) in batches.enumerate() {
            let place = format!("fold {}, epoch {}, step {}", state.fold, state.epoch + 1, state.step + 1);
            let loss = self.trainer.step(&mut state.parameters, &mut state.optimizer, batch?, rate, alpha);
            state.loss_sum += loss.map_err(|error| error.place(place.clone()))?;
            state.step += 1;
            state.global_step += 1;
            bar.advance(1);
            let pace = (done + 1) as f64 / begin.elapsed().as_secs_f64();
            let left = self.steps * (self.epochs - state.epoch) - state.step;
            bar.message(&format!(
                "loss: {:.4}, lr: {rate:.2e}, {pace:.1} steps/s, {} left",
                state.loss_sum / state.step as f64,
                duration(left as f64 / pace)
            ));
            if interrupt::requested() {
                return Err(Error::interrupted(format!("stopped on request after step {}", state.step)).place(place));
            }
        }
        Ok(())
    }

    fn validate(&self, state: &Checkpoint, console: &dyn Console) -> Result<f64> {
        let bar = console.bar("Validating", self.validator.cases.len() as u64);
        self.validator.run(&state.parameters, |mean| {
            bar.advance(1);
            bar.message(&format!("val_loss: {mean:.4}"));
        })
    }
}
