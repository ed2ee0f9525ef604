//! From the command line and `config.json` to what will be trained; everything is checked before anything is written.

use super::{Options, checkpoint, loss, prepare, require};
use crate::config::{Change, Choices, Config};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::memory;
use crate::network;
use crate::preprocess;
use crate::tables::{LeftOut, TrainPaths};
use mist_nn::Registry;

/// The configuration with the flags applied (and stored), and the folds of this invocation.
pub fn settle(
    options: &Options,
    registry: &Registry,
    console: &dyn Console,
) -> Result<(Config, Vec<usize>, TrainPaths, Vec<CaseFailure>)> {
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
            .hint("run `mist preprocess --overwrite` first; it makes all arrays anew"));
    }

    let path = results.join("config.json");
    let mut config = Config::load(&path, &Choices::of(registry))?;
    config.warn_of_unknown_keys(console);
    let changes = options.overrides.apply(&mut config)?;
    network::build(&config, registry)?;
    config.check_for_training()?;
    check_memory(&config)?;
    prepare::schedule(&config)?;
    let needs = loss::build(&config, registry)?.needs;
    loss::warn(&config, needs, console);
    if config.training.epochs == 0 {
        return Err(Error::new("there is nothing to train").place("training.epochs").because("it is 0"));
    }
    let folds = folds(options, &config)?;
    let (table, failures) = usable_cases(options, console)?;
    // What is only verified neither continues nor replaces anything.
    match (options.verify_determinism, options.resume) {
        (true, _) => {}
        (false, false) => refuse_to_replace(options, &folds)?,
        (false, true) if folds.iter().any(|fold| checkpoint::file(results, *fold).is_file()) => {
            check_resume(&changes, console)?;
        }
        (false, true) => {}
    }
    for fold in &folds {
        // Opened again when their turn comes; a missing file of the last fold must not show after days.
        prepare::cases(&config, needs, &table, &options.numpy, *fold)?;
    }
    if options.verify_determinism {
        return Ok((config, folds, table, failures));
    }
    let config = Config::update(&path, &Choices::of(registry), |stored| options.overrides.apply(stored).map(drop))?;
    Ok((config, folds, table, failures))
}

/// Refuses flags that contradict each other.
pub fn check_modes(options: &Options) -> Result<()> {
    match options.resume && options.overwrite {
        true => Err(Error::usage("--resume and --overwrite exclude each other")
            .hint("--resume continues from checkpoints, --overwrite starts again")),
        false => Ok(()),
    }
}

/// Refuses a patch whose images and logits alone would not fit; what the network needs on top depends on it.
fn check_memory(config: &Config) -> Result<()> {
    let voxels: f64 = config.spatial_config.patch_size.iter().map(|extent| *extent as f64).product();
    let params = &config.model.params;
    // The image, and per class logits, probabilities and truth.
    let values = params.in_channels + 3 * params.out_channels;
    let bytes = 4.0 * voxels * (config.training.batch_size_per_gpu * values) as f64;
    match memory::shortage(bytes) {
        Some(why) => Err(Error::new("a step needs more memory than there is")
            .place("spatial_config.patch_size, training.batch_size_per_gpu")
            .because(why)
            .hint("choose a smaller --patch-size or --batch-size-per-gpu")),
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
    let mut seen = std::collections::BTreeSet::new();
    folds.retain(|fold| seen.insert(*fold));
    Ok(folds)
}

/// Keys that a continued run cannot change.
const FIXED: [&str; 3] = ["model.architecture", "spatial_config.patch_size", "training.optimizer"];

/// A continued run keeps its network; other changes are said, since they make it another run from here on.
fn check_resume(changes: &[Change], console: &dyn Console) -> Result<()> {
    let (forbidden, allowed): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| FIXED.contains(&change.key));
    if !forbidden.is_empty() {
        let list: Vec<String> = forbidden.iter().map(ToString::to_string).collect();
        return Err(Error::new("a continued run cannot change its network or optimizer")
            .because(list.join("; "))
            .hint("leave the flag out, or start again in another --results folder"));
    }
    for change in allowed {
        console.warn(&format!("continuing with a change: {change}"));
    }
    Ok(())
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
