//! What a fold starts from: its cases, its loader, and its state.

use super::Progress;
use super::average::Average;
use super::budget::Budget;
use super::checkpoint::{self, Checkpoint};
use super::pretrained::Start;
use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::load::{CaseArrays, CaseFiles, Fold, Loader, LoaderSettings, Switches};
use crate::outputs::Outputs;
use crate::tables::TrainPaths;
use mist_nn::losses::Needs;
use mist_nn::models::Model;
use mist_nn::optimizers::{Kind, Optimizer};
use mist_nn::parameters::Parameters;
use mist_nn::schedules::{Schedule, Shape};
use std::path::Path;

/// Cases of a fold.
pub struct Cases {
    /// Training patches.
    pub loader: Loader,
    /// Memory that all training cases would take, in bytes.
    pub bytes: f64,
    /// What they may take; the others are read from their files again for every patch.
    pub cache_bytes: usize,
    /// Cases that validate.
    pub validation: Vec<CaseArrays>,
}

/// Opens the arrays of a fold and checks that they go together.
pub fn cases(
    config: &Config,
    needs: Needs,
    table: &TrainPaths,
    numpy: &Path,
    fold: usize,
    budget: &Budget,
) -> Result<Cases> {
    let training = &config.training;
    let rows = table.cases.iter().map(|case| (case.id.as_str(), case.fold));
    let parts = Fold::new(rows, fold, training.val_percent, training.seed as u32)?;
    let labels = &config.dataset_info.labels;
    let ignored = Outputs::of(config).encoding().ignored();
    let files = table.case_files();
    let open = |id: &String, needs: Needs| {
        let image = files.find(&numpy.join("images"), id, ".npy");
        let label = files.find(&numpy.join("labels"), id, ".npy");
        let distance = needs.distance_maps.then(|| files.find(&numpy.join("dtms"), id, ".npy"));
        if let Some(file) = distance.as_ref().filter(|file| !file.exists()) {
            return Err(Error::new(format!("the loss {} needs distance maps", training.loss.name))
                .place(format!("case {id}"))
                .because(format!("there is no {}", file.display()))
                .hint("make them with `mist preprocess --compute-dtms --overwrite`"));
        }
        let files = CaseFiles { id: id.clone(), image, label, distance };
        Ok(CaseArrays::open(files, labels.len())?.ignoring(ignored))
    };
    let open_all = |ids: &[String], needs| ids.iter().map(|id| open(id, needs)).collect::<Result<Vec<_>>>();
    let train = open_all(&parts.train, needs)?;
    // Validation is by Dice, whatever loss trains.
    let validation = open_all(&parts.validation, Needs::default())?;
    let mut settings = LoaderSettings {
        patch_size: config.spatial_config.patch_size,
        spacing: config.spatial_config.target_spacing,
        batch_size: training.batch_size_per_gpu,
        foreground_probability: training.dali_foreground_prob,
        augmentation: switches(config),
        classes: labels.len(),
        seed: training.seed,
        fold,
        cache_bytes: 0,
    };
    settings.cache_bytes = budget.for_cases(&settings, &train, &validation);
    let bytes = train.iter().map(|case| case.bytes() as f64).sum();
    let cache_bytes = settings.cache_bytes;
    let cases = Cases { loader: Loader::new(train, settings)?, bytes, cache_bytes, validation };
    let expected = config.model.params.in_channels;
    let other = cases.validation.iter().map(CaseArrays::channels).find(|channels| *channels != expected);
    match other.or((cases.loader.channels() != expected).then_some(cases.loader.channels())) {
        None => Ok(cases),
        Some(channels) => Err(Error::new(format!("the arrays have {channels} channels"))
            .at(numpy.join("images"))
            .because(format!("the network takes {expected}"))
            .hint("the --numpy folder must be that of this run")),
    }
}

fn switches(config: &Config) -> Switches {
    let augmentation = &config.training.augmentation;
    if !augmentation.enabled {
        return Switches::NONE;
    }
    let on = augmentation.transforms;
    Switches {
        zoom: on.zoom,
        flips: on.flips,
        noise: on.noise,
        blur: on.blur,
        brightness: on.brightness,
        contrast: on.contrast,
        rotation: on.rotation,
        elastic: on.elastic,
        low_resolution: on.low_resolution,
        gamma: on.gamma,
    }
}

/// The learning rates that the configuration asks for.
pub fn schedule(config: &Config) -> Result<Schedule> {
    let training = &config.training;
    let shape = Shape::named(&training.lr_scheduler)
        .ok_or_else(|| Error::new(format!("unknown schedule `{}`", training.lr_scheduler)))?;
    Ok(Schedule {
        shape,
        base: training.learning_rate,
        epochs: training.epochs as u64,
        warmup: training.warmup_epochs as u64,
    })
}

/// True if nothing is left to do after the checkpoint of the fold.
pub fn is_complete(
    config: &Config,
    model: &dyn Model,
    results: &Path,
    fold: usize,
    console: &dyn Console,
) -> Result<bool> {
    if !checkpoint::file(results, fold).is_file() {
        return Ok(config.training.epochs == 0);
    }
    let reached = Checkpoint::latest(results, &fresh(config, model, fold, None)?, console)?.epoch;
    Ok(Progress::new(&config.training, results, fold, reached).left == 0)
}

/// The fold before its first step, with initial weights or those to start from.
pub fn fresh(config: &Config, model: &dyn Model, fold: usize, start: Option<&Start>) -> Result<Checkpoint> {
    let training = &config.training;
    let kind = Kind::named(&training.optimizer)
        .ok_or_else(|| Error::new(format!("unknown optimizer `{}`", training.optimizer)))?;
    let mut parameters = Parameters::initial(model.layout(), training.seed);
    if let Some(start) = start {
        start.apply(&mut parameters);
    }
    Ok(Checkpoint {
        fold,
        epoch: 0,
        step: 0,
        loss_sum: 0.0,
        global_step: 0,
        best: f64::INFINITY,
        average: training.ema_decay.map(|decay| Average::new(decay, &parameters)),
        parameters,
        optimizer: Optimizer::new(kind, training.l2_penalty, model.layout().parameters.len()),
        schedule: schedule(config)?,
    })
}

/// The state in which a resumed fold goes on: its checkpoint, or `fresh` if there is none. `None`: nothing is left to do.
pub fn continued(
    config: &Config,
    results: &Path,
    fresh: Checkpoint,
    console: &dyn Console,
) -> Result<Option<Checkpoint>> {
    let fold = fresh.fold;
    if checkpoint::file(results, fold).is_file() {
        let mut state = Checkpoint::latest(results, &fresh, console)?;
        if Progress::new(&config.training, results, fold, state.epoch).left == 0 {
            console.info(&format!("Fold {fold} is already complete"));
            return Ok(None);
        }
        if state.schedule != fresh.schedule {
            console.warn(&format!(
                "fold {fold}: learning rates follow the configuration from here on, not those of the checkpoint"
            ));
            state.schedule = fresh.schedule;
        }
        let step = if state.step > 0 { format!(", step {}", state.step + 1) } else { String::new() };
        console.info(&format!("Fold {fold}: continuing at epoch {}{step}", state.epoch + 1));
        return Ok(Some(state));
    }
    console.warn(&format!("fold {fold} has no checkpoint yet; it starts from the beginning"));
    Ok(Some(fresh))
}
