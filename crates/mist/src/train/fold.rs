//! Training of one fold: the epoch loop, from its start or from a checkpoint.

use super::checkpoint::{self, Checkpoint};
use super::curves;
use super::history::{Epoch, History, since_best};
use super::log::{Log, log_folder};
use super::step::Trainer;
use super::validate::{Validation, Validator};
use super::watch::{Place, Watch};
use crate::config::Training;
use crate::console::Console;
use crate::error::{Error, Kind, Result};
use crate::files::write_atomically;
use crate::interrupt;
use crate::load::Loader;
use crate::network;
use crate::text::plural;
use mist_nn::losses::LossWeighting;
use std::path::Path;
use std::time::{Duration, Instant};

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
    /// When to stop before.
    pub training: &'a Training,
    /// Names of the outputs but the background, for the records.
    pub names: &'a [String],
    /// How a composite loss weighs its terms over the epochs; the loss's own weight if absent.
    pub weighting: Option<&'a LossWeighting>,
    /// Optimizer steps of an epoch.
    pub steps: usize,
    /// Batches whose mean gradient makes one step.
    pub batches_per_step: usize,
    /// Most time between two checkpoints inside an epoch.
    pub checkpoint_interval: Duration,
    /// One step.
    pub trainer: Trainer<'a>,
    /// Validation after each epoch.
    pub validator: Validator<'a>,
}

impl FoldRun<'_> {
    /// Trains from `state` to the last epoch. After every epoch, and now and then inside one, a checkpoint is written, and
    /// the weights whenever the mean validation loss is the smallest so far. A stop that the user asks for saves the step
    /// it comes in.
    pub fn run(&self, mut state: Checkpoint, place: Place, console: &dyn Console) -> Result<()> {
        let mut log = Log::open(self.results, state.fold)?;
        let folder = log_folder(self.results, state.fold);
        let mut history = History::open(&folder, self.names, state.epoch, console)?;
        let mut watch = Watch::new(self, place, &state, history.epochs(), console);
        while state.epoch < self.epochs {
            let idle = since_best(history.epochs());
            if !self.training.is_patient_after(idle) {
                console.info(&format!(
                    "Fold {}: stopping after epoch {}: no new best validation loss for {}",
                    state.fold,
                    state.epoch,
                    plural(idle, "epoch")
                ));
                break;
            }
            let trained = self.train_epoch(&mut state, &mut watch).and_then(|()| self.validate(&state, &mut watch));
            let Validation { loss: validation, dice } = match trained {
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
            let best = state.best;
            if validation < best {
                state.best = validation;
                let path = network::weights_file(&self.results.join("models"), state.fold);
                network::write_weights(&path, state.judged())?;
            }
            let pace = watch.pace();
            let epoch = Epoch {
                number,
                learning_rate: state.schedule.rate(state.epoch as u64),
                loss_weight: self.alpha(&state),
                training_loss: training,
                validation_loss: validation,
                steps_per_second: pace.map(|pace| pace.steps_per_second),
                waiting: pace.map(|pace| pace.waiting),
                dice,
            };
            log.epoch(&epoch, state.schedule.rate(number as u64), self.names)?;
            history.add(epoch)?;
            watch.finish_epoch(history.epochs(), best);
            let title = format!("Fold {}, epoch {number} of {}", state.fold, self.epochs);
            write_atomically(&folder.join("training.svg"), curves::svg(&title, &history).as_bytes())?;
            (state.epoch, state.step, state.loss_sum) = (number, 0, 0.0);
            state.write(&checkpoint::file(self.results, state.fold))?;
        }
        Ok(())
    }

    /// Weight of the first term of the loss, where a schedule says it.
    fn alpha(&self, state: &Checkpoint) -> Option<f64> {
        self.weighting.map(|weighting| weighting.alpha(state.epoch as u64, self.epochs as u64))
    }

    /// The remaining steps of the epoch.
    fn train_epoch(&self, state: &mut Checkpoint, watch: &mut Watch) -> Result<()> {
        watch.begin_epoch(state);
        let remaining = self.steps.saturating_sub(state.step);
        let rate = state.schedule.rate(state.epoch as u64);
        let alpha = self.alpha(state);
        let each = self.batches_per_step;
        let mut batches =
            self.loader.stream(state.epoch, state.step * each, remaining.saturating_mul(each), self.loader_threads)?;
        let mut saved = Instant::now();
        for _ in 0..remaining {
            let place = format!("fold {}, epoch {}, step {}", state.fold, state.epoch + 1, state.step + 1);
            let next = batches.by_ref().take(each);
            let loss = self.trainer.step(&mut state.parameters, &mut state.optimizer, next, rate, alpha);
            state.loss_sum += loss.map_err(|error| error.place(place.clone()))?;
            state.step += 1;
            state.global_step += 1;
            if let Some(average) = &mut state.average {
                average.add(&state.parameters, state.global_step);
            }
            watch.step(state, batches.waited());
            if interrupt::requested() {
                return Err(Error::interrupted(format!("stopped on request after step {}", state.step)).place(place));
            }
            if saved.elapsed() >= self.checkpoint_interval && state.step < self.steps {
                state.write(&checkpoint::file(self.results, state.fold))?;
                saved = Instant::now();
            }
        }
        Ok(())
    }

    fn validate(&self, state: &Checkpoint, watch: &mut Watch) -> Result<Validation> {
        watch.begin_validation();
        let mut cases = 0;
        self.validator.run(state.judged(), |mean| {
            cases += 1;
            watch.validated(cases, mean);
        })
    }
}
