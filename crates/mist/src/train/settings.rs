//! From the command line and `config.json` to what will be trained; everything is checked before anything is written.

use super::budget::Budget;
use super::pretrained::Start;
use super::{Options, checkpoint, forecast, loss, prepare, require};
use crate::config::{Change, Choices, Config};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::json::KeyPath;
use crate::memory::Allowance;
use crate::network;
use crate::preprocess;
use crate::tables::{LeftOut, TrainPaths};
use mist_nn::Registry;
use mist_nn::losses::Needs;
use mist_nn::models::{Description, Model};
use std::collections::BTreeSet;
use std::path::Path;

/// What a call of `train` will do.
pub struct Settled {
    /// The configuration with the flags applied, and stored.
    pub config: Config,
    /// Folds of this call.
    pub folds: Vec<usize>,
    /// Cases that have arrays.
    pub table: TrainPaths,
    /// The others.
    pub failures: Vec<CaseFailure>,
    /// Weights to start from.
    pub start: Option<Start>,
    /// What weights, optimizer and a step take, in bytes, where the system tells.
    pub network_bytes: Option<f64>,
}

/// Checks everything, then stores the flags in the configuration.
pub fn settle(options: &Options, registry: &Registry, memory: Allowance, console: &dyn Console) -> Result<Settled> {
    check_modes(options)?;
    let results = &options.results;
    require(
        results,
        &["config.json", "train_paths.csv", "fg_bboxes.csv"],
        "run `mist analyze` first, or name its folder with --results",
    )?;
    require(&options.numpy, &["images", "labels"], "run `mist preprocess` first, or name its folder with --numpy")?;
    if preprocess::is_unfinished(&options.numpy) {
        return Err(Error::new("preprocessing was cut off")
            .at(&options.numpy)
            .because("some arrays may be missing, or be those of an earlier run")
            .hint("run `mist preprocess --resume` first; it keeps the arrays that are up to date"));
    }

    let path = results.join("config.json");
    let mut config = Config::load(&path, &Choices::of(registry))?;
    config.warn_of_unknown_keys(console);
    let changes = options.overrides.apply(&mut config)?;
    let needs = check_config(&config, registry, memory)?;
    loss::warn(&config, needs, console);
    let folds = folds(options, &config)?;
    let (table, failures) = usable_cases(options, console)?;
    check_folds(&table, config.training.nfolds, results)?;
    let ids = table.cases.iter().map(|case| case.id.as_str());
    preprocess::origin::check(&options.numpy, &preprocess::Settings::of(&config, memory)?, ids)?;
    // What is only tried out neither continues nor replaces anything.
    let only_tried = options.verify_determinism || options.dry_run;
    match (only_tried, options.resume) {
        (true, _) => {}
        (false, false) => refuse_to_replace(options, &folds)?,
        (false, true) if folds.iter().any(|fold| checkpoint::file(results, *fold).is_file()) => {
            check_resume(&changes)?;
            refuse_idle_changes(options, &config, registry, &folds, &changes, console)?;
        }
        (false, true) => {}
    }
    for fold in &folds {
        // Opened again when their turn comes; a missing file of the last fold must not show after days.
        prepare::cases(&config, needs, &table, &options.numpy, *fold, &Budget::NONE)?;
    }
    let start = options.pretrained.as_ref().map(|asked| asked.load(&config, registry)).transpose()?;
    // Before anything is stored: a run that is refused changes nothing for the next.
    let network_bytes = forecast::check_memory(&config, registry, memory)?;
    let config = match only_tried {
        true => config,
        false => Config::update(&path, &Choices::of(registry), |stored| options.overrides.apply(stored).map(drop))?,
    };
    Ok(Settled { config, folds, table, failures, start, network_bytes })
}

/// What can be said of a configuration before any case is looked at: whether its network, loss and learning rates go
/// together and a step would fit into memory. Returns what the loss needs.
pub fn check_config(config: &Config, registry: &Registry, memory: Allowance) -> Result<Needs> {
    if let Some((_, error)) = obstacles(config, registry).into_iter().next() {
        return Err(error);
    }
    check_memory(config, network::build(config, registry)?.as_ref(), memory)?;
    Ok(loss::build(config, registry)?.needs)
}

/// What would keep training from starting with a configuration that is right in itself, on any machine, each with the key to
/// look at.
pub fn obstacles(config: &Config, registry: &Registry) -> Vec<(KeyPath, Error)> {
    let found = [
        ("training", "epochs", check_epochs(config)),
        ("training", "warmup_epochs", config.check_for_training()),
        ("training", "lr_scheduler", prepare::schedule(config).map(drop)),
        ("training", "loss", loss::build(config, registry).map(drop)),
    ];
    let at = |section, key| KeyPath::default().key(section).key(key);
    let found = found.into_iter().filter_map(|(section, key, result)| Some((at(section, key), result.err()?)));
    network::build_or_key(config, registry).err().map(|of_key| *of_key).into_iter().chain(found).collect()
}

fn check_epochs(config: &Config) -> Result<()> {
    match config.training.epochs {
        0 => Err(Error::new("`training.epochs` is 0").because("there is nothing to train").hint("give --epochs")),
        _ => Ok(()),
    }
}

/// The folds of the table are those of the configuration: a fold beyond would never be held out, and one without cases
/// would have nothing to be judged by.
fn check_folds(table: &TrainPaths, count: usize, results: &Path) -> Result<()> {
    let used: BTreeSet<usize> = table.cases.iter().map(|case| case.fold).collect();
    let list = |folds: Vec<usize>| folds.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let beyond: Vec<usize> = used.range(count..).copied().collect();
    let empty: Vec<usize> = (0..count).filter(|fold| !used.contains(fold)).collect();
    let error = |why: String| {
        Err(Error::new("the folds of the table are not those of the configuration")
            .at(results.join("train_paths.csv"))
            .because(why)
            .hint("make training.nfolds in config.json and the column `fold` agree; folds count from 0"))
    };
    match (beyond.is_empty(), empty.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => error(format!("there are cases of fold {}, but training.nfolds is {count}", list(beyond))),
        (true, false) => error(format!("no case is of fold {}, but training.nfolds is {count}", list(empty))),
    }
}

/// Refuses flags that contradict each other.
pub fn check_modes(options: &Options) -> Result<()> {
    if options.dry_run && options.verify_determinism {
        return Err(Error::usage("--dry-run and --verify-determinism exclude each other").hint("leave one of them out"));
    }
    match options.resume && options.overwrite {
        true => Err(Error::usage("--resume and --overwrite exclude each other")
            .hint("--resume continues from checkpoints, --overwrite starts again")),
        false => Ok(()),
    }
}

/// Refuses a patch that would not fit: by its images and logits, then by what the network keeps of one patch for the
/// gradients. What it needs on top is found out by a step ([`forecast::check_memory`]).
fn check_memory(config: &Config, model: &dyn Model, memory: Allowance) -> Result<()> {
    let [x, y, z] = config.spatial_config.patch_size;
    let batch = config.training.batch_size_per_gpu as f64;
    let params = &config.model.params;
    // The image, and per class logits, probabilities and truth.
    let values = params.in_channels + 3 * params.out_channels;
    let outside = 4.0 * [x, y, z].map(|extent| extent as f64).iter().product::<f64>() * batch * values as f64;
    let shortage = memory.shortage(outside).or_else(|| {
        let kept = Description::new(model, [1, x, y, z, params.in_channels]).training_bytes;
        memory.shortage(outside + batch * kept as f64)
    });
    match shortage {
        Some(why) => Err(Error::new(format!("a step needs more memory than {}", memory.bound()))
            .place("spatial_config.patch_size, training.batch_size_per_gpu")
            .because(why)
            .hint(format!("choose a smaller --patch-size or --batch-size-per-gpu, or {}", memory.or_more()))),
        None => Ok(()),
    }
}

/// The table without the cases that preprocessing left out; those are failures of this stage too, for the reasons that
/// preprocessing had.
fn usable_cases(options: &Options, console: &dyn Console) -> Result<(TrainPaths, Vec<CaseFailure>)> {
    let mut table = TrainPaths::read(&options.results.join("train_paths.csv"))?;
    let files = table.case_files();
    let known = LeftOut::read(&LeftOut::file(&options.numpy))?;
    let mut failures = Vec::new();
    table.cases.retain(|case| {
        let array = |folder: &str| files.find(&options.numpy.join(folder), &case.id, ".npy");
        let (image, label) = (array("images"), array("labels"));
        let known = known.iter().find(|failure| failure.id == case.id);
        let (no_image, no_label) = (!image.exists(), !label.exists());
        let left_out = (no_image && no_label) || (known.is_some() && (no_image || no_label));
        if left_out {
            let missing = || CaseFailure {
                id: case.id.clone(),
                stage: "looking for arrays".into(),
                file: Some(image),
                reason: "there is no such file".into(),
            };
            let failure = known.cloned().unwrap_or_else(missing);
            console.warn(&failure.to_string());
            failures.push(failure);
        }
        !left_out
    });
    if table.cases.is_empty() {
        return Err(Error::new("there are no arrays to train on")
            .at(&options.numpy)
            .hint("run `mist preprocess` first, or name its folder with --numpy"));
    }
    Ok((table, failures))
}

fn folds(options: &Options, config: &Config) -> Result<Vec<usize>> {
    let count = config.training.nfolds;
    let mut folds = options.folds.clone().unwrap_or_else(|| config.training.folds_to_train());
    if let Some(fold) = folds.iter().find(|fold| **fold >= count) {
        return Err(Error::usage(format!("there is no fold {fold}"))
            .because(format!("the run has {count} folds, 0 to {}", count - 1))
            .hint("choose with --folds"));
    }
    let mut seen = BTreeSet::new();
    folds.retain(|fold| seen.insert(*fold));
    Ok(folds)
}

/// Keys that a continued run cannot change.
const FIXED: [&str; 3] = ["model.architecture", "spatial_config.patch_size", "training.optimizer"];

/// A continued run keeps its network.
fn check_resume(changes: &[Change]) -> Result<()> {
    let forbidden: Vec<String> =
        changes.iter().filter(|change| FIXED.contains(&change.key)).map(ToString::to_string).collect();
    if forbidden.is_empty() {
        return Ok(());
    }
    Err(Error::new("a continued run cannot change its network or optimizer")
        .because(forbidden.join("; "))
        .hint("leave the flag out, or start again in another --results folder"))
}

/// Other changes are said, since they make it another run from here on; where nothing is left to train they would only
/// falsify the record of what was trained.
fn refuse_idle_changes(
    options: &Options,
    config: &Config,
    registry: &Registry,
    folds: &[usize],
    changes: &[Change],
    console: &dyn Console,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let model = network::build(config, registry)?;
    for fold in folds {
        if !prepare::is_complete(config, model.as_ref(), &options.results, *fold, console)? {
            changes.iter().for_each(|change| console.warn(&format!("continuing with a change: {change}")));
            return Ok(());
        }
    }
    let list: Vec<String> = changes.iter().map(ToString::to_string).collect();
    Err(Error::new("nothing is left to train that would follow the changed settings")
        .because(format!("all folds are complete; {}", list.join("; ")))
        .hint("leave the flags out; to train with them, use another --results folder or --overwrite"))
}

/// Models and checkpoints of an earlier run are not replaced by accident.
fn refuse_to_replace(options: &Options, folds: &[usize]) -> Result<()> {
    if options.overwrite {
        return Ok(());
    }
    let files = folds.iter().flat_map(|fold| {
        [network::weights_file(&options.results.join("models"), *fold), checkpoint::file(&options.results, *fold)]
    });
    match files.into_iter().find(|file| file.exists()) {
        None => Ok(()),
        Some(file) => Err(Error::new("an earlier run has trained this fold")
            .at(file)
            .hint("use --resume to continue it or --overwrite to start again")),
    }
}
