//! `finalize`: evaluation of the out-of-fold predictions, and prediction of the test set by all folds.

use crate::config::{Choices, Config};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::evaluate::{self, Checks, Job, Missing, evaluate_table};
use crate::files::{create_folder, require_file, require_folder};
use crate::memory::Allowance;
use crate::predict::{self, Input, Networks, Predictor, Targets, cases, out_of_fold};
use crate::tables::{EvaluationCase, EvaluationPaths, TrainCase, TrainPaths};
use crate::{device, network, train};
use mist_nn::Registry;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Results folder of a trained run.
    pub results: PathBuf,
    /// Cases evaluated at once.
    pub workers: usize,
    /// `cpu`, `cuda` or the number of a GPU, for the test set.
    pub device: String,
    /// Bytes of memory that the command may take; by default what is free.
    pub max_memory: Option<u64>,
}

/// Writes `evaluation_paths.csv` and `results.csv`, and `predictions/test/` where there is a `test_paths.csv`. Can be
/// repeated. Returns the cases that could not be evaluated or predicted.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    finalize(options, registry, console).map_err(|error| {
        error.if_interrupted("start `mist finalize` again: the models are complete, and everything else is made anew")
    })
}

fn finalize(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let results = &options.results;
    const HINT: &str = "name the results folder of a trained run with --results";
    require_folder(results, "Results directory does not exist", HINT)?;
    let (config, table) = (results.join("config.json"), results.join("train_paths.csv"));
    require_file(&config, "Configuration file not found", HINT)?;
    require_file(&table, "Training paths file not found", HINT)?;
    console.section("Finalizing MIST run");
    create_folder(results)?;
    device::resolve(&options.device, console)?;
    let config = Config::load(&config, &Choices::any())?;
    config.warn_of_unknown_keys(console);
    let models = results.join("models");
    let missing: Vec<String> = (0..config.training.nfolds)
        .filter(|fold| !network::weights_file(&models, *fold).is_file())
        .map(|fold| fold.to_string())
        .collect();
    let table = TrainPaths::read(&table)?;
    let predicted = |case: &TrainCase| out_of_fold::prediction_file(results, &case.id).is_file();
    if missing.len() == config.training.nfolds && !table.cases.iter().any(predicted) {
        return Err(Error::new("there is nothing to finalize")
            .at(&models)
            .because("no fold has a model yet")
            .hint(format!("run `mist train --results {}` first, or {HINT}", results.display())));
    }
    if !missing.is_empty() {
        console.warn(&format!("there are no models of the folds {}", missing.join(", ")));
    }

    for fold in 0..config.training.nfolds {
        if let Some(progress) = unfinished(results, fold, &config) {
            console.warn(&progress);
        }
    }

    let (evaluated, mut failures) = evaluate(options, &config, &table, console)?;
    if matches!(evaluated, Evaluated::Nothing) {
        for failure in &failures {
            console.error(&failure.to_string());
        }
        return Err(nothing_to_compare(results, missing.len() == config.training.nfolds));
    }
    let test = results.join("test_paths.csv");
    if test.is_file() {
        let (cases, unusable) = cases(&Input::Csv(test), &config.dataset_info.images)?;
        let output = results.join("predictions/test");
        let memory = Allowance::new(options.max_memory, console);
        let (networks, memory) = Networks::load(&models, &config, registry, memory, console)?;
        let predictor = Predictor::new(&config, networks, None, memory)?;
        failures.extend(unusable);
        let targets = Targets::create(&output, None)?;
        let job = predict::Job { cases: &cases, targets: &targets, shard: None, resume: false };
        failures.extend(predictor.run(&job, console)?);
        console.info(&format!("Wrote test-set predictions to {}", output.display()));
    }
    Ok(failures)
}

/// Says that training of the fold has begun but not come to its end, so that its model is not the one it is meant to be.
fn unfinished(results: &Path, fold: usize, config: &Config) -> Option<String> {
    let train::Progress { done, left } = train::Progress::on_record(&config.training, results, fold)?;
    let epochs = done + left;
    (left > 0)
        .then(|| format!("fold {fold} has finished {done} of {epochs} epochs; `mist train --resume` goes on with it"))
}

/// `untrained`: no fold has a model.
fn nothing_to_compare(results: &Path, untrained: bool) -> Error {
    let table = match results.join("results.csv").exists() {
        true => "results.csv there is that of an earlier run",
        false => "results.csv was not written",
    };
    let hint = match untrained {
        true => "train at least one fold first",
        false => {
            "check the masks in train_paths.csv and what is said of the cases above; `mist train --resume` predicts again"
        }
    };
    Error::new("No valid prediction-mask pairs. Skipping evaluation.")
        .at(results)
        .because(format!("no held-out case has a mask and a prediction that can be compared; {table}"))
        .hint(hint)
}

/// Whether there was anything to evaluate.
enum Evaluated {
    Something,
    Nothing,
}

/// Evaluates the held-out cases that have a prediction. Cases of folds that were not trained are no failures.
fn evaluate(
    options: &Options,
    config: &Config,
    table: &TrainPaths,
    console: &dyn Console,
) -> Result<(Evaluated, Vec<CaseFailure>)> {
    let results = std::path::absolute(&options.results)
        .map_err(|error| Error::new("cannot resolve the folder").at(&options.results).because(error))?;
    let trained =
        |fold: usize| network::weights_file(&results.join("models"), fold).is_file() && fold < config.training.nfolds;
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for case in &table.cases {
        let prediction = out_of_fold::prediction_file(&results, &case.id);
        let missing: Vec<&str> = [(case.mask.is_file(), "mask"), (prediction.is_file(), "prediction")]
            .into_iter()
            .filter_map(|(there, name)| (!there).then_some(name))
            .collect();
        if missing.is_empty() {
            rows.push(EvaluationCase { id: case.id.clone(), mask: case.mask.clone(), prediction });
        } else if trained(case.fold) {
            let reason = format!("missing {} file", missing.join(" and "));
            let failure = CaseFailure { id: case.id.clone(), stage: "pairing".into(), file: None, reason };
            console.warn(&failure.to_string());
            failures.push(failure);
        }
    }
    if rows.is_empty() {
        return Ok((Evaluated::Nothing, failures));
    }
    let paths = results.join("evaluation_paths.csv");
    let table = EvaluationPaths { cases: rows };
    table.write(&paths)?;
    console.info(&format!("Wrote {}", paths.display()));
    let known_labels = config.evaluation.known_labels(&config.dataset_info.labels);
    let job = Job {
        evaluation: &config.evaluation,
        cases: &table.cases,
        workers: options.workers,
        checks: Checks { known_labels, ignore_label: config.training.ignore_label, validate: false },
        missing: Missing::LeaveOut,
        memory: Allowance::new(options.max_memory, console),
    };
    let report = evaluate_table(&job, console)?;
    failures.extend_from_slice(&report.failures);
    if report.rows.is_empty() {
        return Ok((Evaluated::Nothing, failures));
    }
    evaluate::conclude(&report, &failures, &results.join("results.csv"), console)?;
    Ok((Evaluated::Something, failures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_results_csv_is_true() {
        let folder = tempfile::tempdir().unwrap();
        let error = nothing_to_compare(folder.path(), true);
        assert!(error.to_string().ends_with("results.csv was not written"), "{error}");
        assert_eq!(error.advice(), Some("train at least one fold first"));
        std::fs::write(folder.path().join("results.csv"), "").unwrap();
        let error = nothing_to_compare(folder.path(), false);
        assert!(error.to_string().ends_with("results.csv there is that of an earlier run"), "{error}");
        assert!(error.advice().is_some_and(|hint| !hint.contains("fold first")));
    }
}
