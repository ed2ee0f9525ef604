//! `train`: cross-validated training, then predictions of the held-out cases.
//!
//! Every random number is keyed by its place in the run, so a fold gives the same weights bit for bit whether it ran at one go
//! or was stopped and continued, and for any number of loader threads.

mod average;
mod budget;
mod checkpoint;
mod curves;
mod determinism;
pub(crate) mod discard;
mod fold;
mod forecast;
mod history;
mod log;
mod loss;
mod prepare;
mod pretrained;
mod record;
mod settings;
pub(crate) mod step;
mod torch_schedule;
mod validate;
mod watch;

use crate::config::{Config, Overrides, Training};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Kind, Result};
use crate::files::{create_folder, remove_file, require_folder};
use crate::memory::{self, Allowance};
use crate::outputs::Outputs;
use crate::predict::{out_of_fold, stitch, window::Blending};
use crate::tables::TrainPaths;
use crate::text::plural;
use crate::{finalize, model_record, network};
use budget::Budget;
use checkpoint::Checkpoint;
use fold::FoldRun;
use forecast::Forecast;
use history::History;
use loss::TrainingLoss;
use mist_nn::Registry;
use mist_nn::losses::{Classes, dice::Dice};
use mist_nn::models::Model;
pub use pretrained::Pretrained;
use pretrained::Start;
use settings::Settled;
pub(crate) use settings::check_modes;
pub use settings::obstacles;
use std::path::{Path, PathBuf};
use step::Trainer;
use validate::Validator;
use watch::Place;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Folder that analysis has filled.
    pub results: PathBuf,
    /// Folder of the arrays.
    pub numpy: PathBuf,
    /// Flags that change `config.json`.
    pub overrides: Overrides,
    /// Weights of another run to start from. Not stored.
    pub pretrained: Option<Pretrained>,
    /// Folds of this invocation; by default those of the configuration. Not stored.
    pub folds: Option<Vec<usize>>,
    /// Continue from checkpoints.
    pub resume: bool,
    /// Only train a few steps twice and compare their results; nothing is written.
    pub verify_determinism: bool,
    /// Check everything and say how long training will take and how much memory; nothing is written.
    pub dry_run: bool,
    /// Cases evaluated at once after training.
    pub evaluate_workers: usize,
    /// Bytes of memory that the command may take; by default what is free. Not stored.
    pub max_memory: Option<u64>,
    /// Allow replacing the models of an earlier run.
    pub overwrite: bool,
}

/// Trains the folds, predicts their held-out cases and, when all folds were trained, evaluates. Returns the cases whose
/// prediction or evaluation failed.
///
/// Nothing is written before everything that can be checked is checked. A fold whose loss is no longer finite is given up with
/// its last good weights kept; the other folds go on, and the command ends with an error.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    train(options, registry, console).map_err(|error| error.if_interrupted(how_to_continue(options)))
}

/// What to do after a stop. All of training is saved then, and what `overwrite` replaces is gone, so nothing is lost.
pub fn how_to_continue(options: &Options) -> &'static str {
    match options.overwrite {
        true => "continue with the same command, but --resume instead of --overwrite; nothing is lost",
        false => "continue with the same command and --resume; nothing is lost",
    }
}

fn train(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let memory = Allowance::new(options.max_memory, console);
    let Settled { config, folds, table, mut failures, start, network_bytes: network } =
        settings::settle(options, registry, memory, console)?;
    let start = start.as_ref();
    // Folds that continue have left these weights behind; what is said and noted of them is of those that begin.
    let begins = |fold: &usize| !options.resume || !checkpoint::file(&options.results, *fold).is_file();
    let begun = start.filter(|_| folds.iter().any(begins));
    if start.is_some() && begun.is_none() {
        console.warn("the pretrained weights are not used: every fold continues from its checkpoint");
    }
    let loader_threads = loader_threads(config.training.hardware.num_cpu_workers);
    let held = memory::resident().unwrap_or(0.0);
    let mut budget = Budget { memory, network, held, loader_threads };
    if options.verify_determinism {
        for &fold in &folds {
            PreparedFold::new(options, &config, registry, &table, start, fold, &budget)?.verify(console)?;
        }
        return Ok(failures);
    }
    if options.dry_run {
        describe(&config, registry, begun, console)?;
        let first =
            folds.first().map(|first| PreparedFold::new(options, &config, registry, &table, start, *first, &budget));
        forecast(options, first.transpose()?, &folds, &budget, console)?;
        return Ok(failures);
    }
    if options.overwrite {
        discard::folds(&options.results, &folds)?;
    }
    create_folder(&options.results)?;
    for folder in ["logs", "models", "checkpoints", out_of_fold::FOLDER] {
        create_folder(&options.results.join(folder))?;
    }

    let Options { results, numpy, resume: resumed, .. } = options;
    record::write(
        &record::Call { results, numpy, folds: &folds, resumed: *resumed, start: begun, loader_threads, memory },
        &config,
        &table,
        console,
    )?;

    console.section("Training");
    describe(&config, registry, begun, console)?;
    if let Some(start) = begun {
        start.write_table(&options.results)?;
    }
    let first =
        folds.first().map(|first| PreparedFold::new(options, &config, registry, &table, start, *first, &budget));
    let forecast = forecast(options, first.transpose()?, &folds, &budget, console)?;
    budget.held = forecast.and_then(|forecast| forecast.peak).unwrap_or(held).max(held);
    let mut failed = Vec::new();
    for (index, &fold) in folds.iter().enumerate() {
        let place = Place {
            position: index + 1,
            folds: folds.len(),
            epochs_after: folds[index + 1..].iter().map(|fold| epochs_left(options, &config.training, *fold)).sum(),
            memory,
            validation_seconds: forecast.map(|forecast| forecast.validation),
        };
        let prepared = PreparedFold::new(options, &config, registry, &table, start, fold, &budget);
        match prepared.and_then(|prepared| prepared.train(options.resume, place, console)) {
            Ok(()) => {}
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            Err(error) => {
                console.error(&format!("fold {fold} was given up: {error}"));
                failed.push((fold, error));
            }
        }
    }

    for &fold in &folds {
        if network::weights_file(&options.results.join("models"), fold).is_file() {
            let (results, numpy) = (&options.results, &options.numpy);
            let unpredicted = out_of_fold::run(results, numpy, &config, registry, &table, fold, console)?;
            CaseFailure::add_later(&mut failures, unpredicted);
        }
    }
    let all: Vec<usize> = (0..config.training.nfolds).collect();
    if all.iter().all(|fold| folds.contains(fold)) && failed.is_empty() {
        let results = options.results.clone();
        let Options { evaluate_workers: workers, max_memory, .. } = *options;
        let finalize = finalize::Options { results, workers, device: "cpu".into(), max_memory };
        CaseFailure::add_later(&mut failures, finalize::run(&finalize, registry, console)?);
    } else {
        let results = options.results.display();
        console.info(&format!(
            "Trained folds {folds:?} of {all:?}. When all are done, run: mist finalize --results {results}"
        ));
    }
    match failed.into_iter().next() {
        Some((fold, error)) => Err(error.place(format!("fold {fold}"))),
        None => Ok(failures),
    }
}

/// How far a fold has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Epochs that are done.
    pub done: usize,
    /// Epochs that are still to come; none once there was no new best validation loss for as many as
    /// `training.early_stopping_patience`.
    pub left: usize,
}

impl Progress {
    /// Of a fold of which so many epochs are done, the validation losses of which are those on record.
    fn new(training: &Training, results: &Path, fold: usize, done: usize) -> Self {
        let mut epochs = History::on_record(&log::log_folder(results, fold));
        epochs.retain(|epoch| epoch.number <= done);
        let left = match training.is_patient_after(history::since_best(&epochs)) {
            true => training.epochs.saturating_sub(done),
            false => 0,
        };
        Self { done, left }
    }

    /// Of a fold whose epochs are on record.
    pub fn on_record(training: &Training, results: &Path, fold: usize) -> Option<Self> {
        let last = History::on_record(&log::log_folder(results, fold)).last()?.number;
        Some(Self::new(training, results, fold, last))
    }
}

/// Epochs that a fold still has to go in this call.
fn epochs_left(options: &Options, training: &Training, fold: usize) -> usize {
    let progress = if options.resume { Progress::on_record(training, &options.results, fold) } else { None };
    progress.map_or(training.epochs, |progress| progress.left)
}

/// What training would refuse about the settings alone.
pub(crate) fn check_settings(config: &Config, options: &Options, registry: &Registry, memory: Allowance) -> Result<()> {
    let mut config = config.clone();
    options.overrides.apply(&mut config)?;
    settings::check_config(&config, registry, memory)?;
    match &options.pretrained {
        Some(asked) => asked.load(&config, registry).map(drop),
        None => Ok(()),
    }
}

fn describe(config: &Config, registry: &Registry, start: Option<&Start>, console: &dyn Console) -> Result<()> {
    let model = network::build(config, registry)?;
    let count: usize = model.layout().count();
    let [x, y, z] = config.spatial_config.patch_size;
    console.info(&format!(
        "Model {}, {:.2}M parameters ({count}); batches of {}; patch {x} × {y} × {z}; {}; CPU, 32-bit floats",
        config.model.architecture,
        count as f64 / 1e6,
        config.training.batch_size_per_gpu,
        plural(config.training.epochs, "epoch"),
    ));
    if let Some(start) = start {
        start.describe(console);
    }
    Ok(())
}

fn forecast(
    options: &Options,
    first: Option<PreparedFold<'_>>,
    folds: &[usize],
    budget: &Budget,
    console: &dyn Console,
) -> Result<Option<Forecast>> {
    first.map_or(Ok(None), |fold| fold.forecast(options, folds, budget.memory, console))
}

/// A fold with everything that it is trained with.
struct PreparedFold<'a> {
    fold: usize,
    config: &'a Config,
    results: &'a Path,
    table: &'a TrainPaths,
    start: Option<&'a Start>,
    model: Box<dyn Model>,
    loss: TrainingLoss,
    outputs: Outputs,
    cases: prepare::Cases,
}

impl<'a> PreparedFold<'a> {
    fn new(
        options: &'a Options,
        config: &'a Config,
        registry: &Registry,
        table: &'a TrainPaths,
        start: Option<&'a Start>,
        fold: usize,
        budget: &Budget,
    ) -> Result<Self> {
        let loss = loss::build(config, registry)?;
        let cases = prepare::cases(config, loss.needs, table, &options.numpy, fold, budget)?;
        let (model, outputs) = (network::build(config, registry)?, Outputs::of(config));
        Ok(Self { fold, config, results: &options.results, table, start, model, loss, outputs, cases })
    }

    fn trainer(&self) -> Trainer<'_> {
        Trainer {
            model: self.model.as_ref(),
            loss: self.loss.loss.as_ref(),
            encoding: self.outputs.weighted(),
            clip_norm: self.config.training.grad_clip_norm,
            device: mist_nn::for_training(),
        }
    }

    fn run(&self) -> FoldRun<'_> {
        let Self { config, loss, outputs, cases, .. } = self;
        let training = &config.training;
        let windows = stitch::Settings {
            patch_size: config.spatial_config.patch_size,
            overlap: config.inference.inferer.params.patch_overlap,
            blending: Blending::Constant,
            batch: 2 * training.batch_size_per_gpu,
        };
        FoldRun {
            results: self.results,
            loader: &cases.loader,
            loader_threads: loader_threads(training.hardware.num_cpu_workers),
            epochs: training.epochs,
            training,
            names: outputs.names(),
            weighting: training.loss.composite_loss_weighting.as_ref().filter(|_| loss.needs.alpha),
            steps: training.steps_per_epoch(cases.loader.steps_per_epoch(0)),
            batches_per_step: training.batches_per_step(),
            checkpoint_interval: training.checkpoint_interval(),
            trainer: self.trainer(),
            validator: Validator {
                model: self.model.as_ref(),
                loss: &Dice { classes: Classes::Foreground },
                outputs,
                windows,
                cases: &cases.validation,
            },
        }
    }

    /// Its state before the first step.
    fn fresh(&self) -> Result<Checkpoint> {
        prepare::fresh(self.config, self.model.as_ref(), self.fold, self.start)
    }

    /// Trains from the checkpoint or from the start.
    fn train(&self, resume: bool, place: Place, console: &dyn Console) -> Result<()> {
        let weights = network::weights_file(&self.results.join("models"), self.fold);
        let record = model_record::file(&weights);
        let state = match resume {
            true => prepare::continued(self.config, self.results, self.fresh()?, console)?,
            false => Some(self.fresh()?),
        };
        if let Some(state) = state {
            remove_file(&record)?;
            self.run().run(state, place, console)?;
        }
        match weights.is_file() && !record.is_file() {
            true => model_record::write(&weights, self.fold, self.config, self.table),
            false => Ok(()),
        }
    }

    fn verify(&self, console: &dyn Console) -> Result<()> {
        let threads = loader_threads(self.config.training.hardware.num_cpu_workers);
        determinism::verify(self.config, &self.fresh()?, &self.cases, &self.trainer(), threads, console)
    }

    /// Says what the folds will take, judged by this one.
    fn forecast(
        &self,
        options: &Options,
        folds: &[usize],
        allowed: Allowance,
        console: &dyn Console,
    ) -> Result<Option<Forecast>> {
        let run = self.run();
        if !options.dry_run && !forecast::is_worthwhile(&run, folds.len()) {
            return Ok(None);
        }
        let epochs: usize = folds.iter().map(|fold| epochs_left(options, &self.config.training, *fold)).sum();
        if epochs == 0 {
            return Ok(None);
        }
        let forecast = forecast::of(&run, self.fresh()?, &self.cases)?;
        console.info(&forecast.text(epochs, folds.len(), allowed));
        Ok(Some(forecast))
    }
}

/// The configured number, but never more than the cores leave free.
pub(crate) fn loader_threads(configured: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    configured.min(cores.saturating_sub(1).max(1))
}

/// Checks that a folder exists and holds these entries.
fn require(folder: &Path, entries: &[&str], hint: &str) -> Result<()> {
    require_folder(folder, "the folder does not exist", hint)?;
    let missing: Vec<&str> = entries.iter().copied().filter(|entry| !folder.join(entry).exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!("the folder lacks {}", missing.join(", "))).at(folder).hint(hint))
}
