//! `predict`: label maps for new scans.

use super::inputs::{self, Input};
use super::networks::Networks;
use super::pipeline::{Job, Predictor};
use super::shard::Shard;
use super::targets::{ProbabilityMaps, Targets};
use crate::config::{Choices, Config};
use crate::console::Console;
use crate::device;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{require_file, require_folder};
use crate::memory::Allowance;
use crate::postprocess::Strategy;
use crate::text::plural;
use mist_nn::Registry;
use std::path::PathBuf;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Folder with `fold_*.pt`.
    pub models_dir: PathBuf,
    /// `config.json` of the training run.
    pub config: PathBuf,
    /// Which scans.
    pub input: Input,
    /// Folder for the results, created.
    pub output: PathBuf,
    /// `cpu`, `cuda` or the number of a GPU.
    pub device: String,
    /// Also write class probabilities.
    pub probabilities: Option<ProbabilityMaps>,
    /// Rules for cleaning up the label maps.
    pub postprocess_strategy: Option<PathBuf>,
    /// Windows that a network gets at once, instead of what the configuration says.
    pub window_batch: Option<usize>,
    /// Leave out cases whose results are there and were made from the same scans, weights and settings.
    pub resume: bool,
    /// Predict only a part of the cases.
    pub shard: Option<Shard>,
    /// Bytes of memory that the command may take; by default what is free.
    pub max_memory: Option<u64>,
}

/// Writes `<output>/<id>.nii.gz` for every case, the mean of all fold models' probabilities. With `probabilities` the label
/// maps go to `discrete/` and the probabilities to `probabilities/`. Returns the cases that failed; the others go on.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    device::resolve(&options.device, console)?;
    require_folder(&options.models_dir, "Models directory not found", "name the folder `models` of a results folder")?;
    require_file(&options.config, "Config file not found", "name the config.json of the run that trained the models")?;
    options.input.check_exists()?;
    if let Some(file) = &options.postprocess_strategy {
        require_file(file, "Postprocess strategy file not found", "name a JSON file with a list of steps")?;
    }
    let mut config = Config::load(&options.config, &Choices::of_networks(registry))?;
    config.warn_of_unknown_keys(console);
    if options.window_batch.is_some() {
        config.inference.inferer.params.sw_batch_size = options.window_batch;
    }
    let (mut cases, mut failures) = inputs::cases(&options.input, &config.dataset_info.images)?;
    if let Some(shard) = options.shard {
        (cases, failures) = (shard.of(cases), shard.of(failures));
    }
    let listed = cases.len() + failures.len();
    let memory = Allowance::new(options.max_memory, console);
    let (networks, memory) = Networks::load(&options.models_dir, &config, registry, memory, console)?;
    let strategy = options.postprocess_strategy.as_deref().map(|file| Strategy::load(file, console)).transpose()?;
    let targets = Targets::create(&options.output, options.probabilities)?;
    targets.spare_scans(&cases)?;
    for failure in &failures {
        console.error(&failure.to_string());
    }
    let predictor = Predictor::new(&config, networks, strategy.as_ref(), memory)?;
    let job = Job { cases: &cases, targets: &targets, shard: options.shard, resume: options.resume };
    failures.extend(predictor.run(&job, console).map_err(|error| {
        error.if_interrupted("start the same command with --resume; what is done is not done again")
    })?);
    match failures.len() {
        0 => console.success("Inference completed successfully."),
        count if count == listed => {
            return Err(Error::new("no case could be segmented")
                .place(plural(count, "case"))
                .because("what is wrong with each is said above")
                .hint("the scans must be like those that the models were trained on: same channels, readable, 3-D"));
        }
        count => console.warn(&format!("{count} of {listed} cases failed")),
    }
    Ok(failures)
}
