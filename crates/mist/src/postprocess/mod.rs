//! `postprocess`: cleans up label maps by rules, and on request scores them before and after.

pub mod describe;
mod evaluation;
mod parameters;
mod step;
mod strategy;
mod transforms;

pub use evaluation::Request as EvaluationRequest;
pub use step::Skipped;
pub use strategy::Strategy;

use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{create_folder, is_same_file, require_file, require_folder, write_atomically};
use crate::label_map::{self, LabelFile};
use crate::parallel;
use crate::text::plural;
use mist_volume::nifti;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Folder of label maps.
    pub base_predictions: PathBuf,
    /// Folder for the results, created.
    pub output: PathBuf,
    /// File with the rules.
    pub strategy: PathBuf,
    /// Cases in work at once.
    pub workers: usize,
    /// Compare with the truth, before and after.
    pub evaluation: Option<EvaluationRequest>,
}

/// Writes `<output>/predictions/<id>.nii.gz` for every label map of the folder, `<output>/strategy.json`, and where asked for
/// tables of scores before and after. Returns the cases that failed; the others go on.
///
/// # Errors
/// Nothing is written where the rules, the folders or the table are not usable.
pub fn run(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let Options { base_predictions, output, strategy: strategy_file, workers, evaluation } = options;
    require_folder(base_predictions, "Base predictions directory not found", "name a folder of <id>.nii.gz")?;
    require_file(strategy_file, "Postprocess strategy file not found", "name a JSON file with a list of steps")?;
    let strategy = Strategy::load(strategy_file, console)?;
    let evaluation = evaluation.as_ref().map(evaluation::Prepared::load).transpose()?;
    let predictions = output.join("predictions");
    if is_same_file(base_predictions, &predictions) {
        return Err(Error::usage("the results would replace the label maps that they are made from")
            .at(&predictions)
            .hint("give another folder with --output"));
    }
    create_folder(&predictions)?;
    keep_strategy(strategy_file, &output.join("strategy.json"))?;
    let (files, others) = label_map::list(base_predictions)?;
    if !others.is_empty() {
        console.warn(&format!("no files and left out: {}", others.join(", ")));
    }
    if files.is_empty() {
        console.warn("No .nii.gz files found in base directory. Nothing to postprocess.");
    }
    console.section("Postprocessing predictions");
    console.info(&summary(&strategy));

    let bar = console.bar("Applying strategy to examples", files.len() as u64);
    let results = parallel::map(&files, *workers, |file| {
        let result = clean_up(&strategy, file, &predictions);
        bar.advance(1);
        Ok(result)
    })
    .map_err(|error| error.if_interrupted("start the same command again; what is written is complete"))?;
    drop(bar);
    let mut failures = Vec::new();
    for (file, result) in files.iter().zip(results) {
        match result {
            Ok(skipped) => {
                skipped.iter().for_each(|skipped| console.warn(&format!("{}: {skipped}", file.id)));
            }
            Err(failure) => {
                console.error(&failure.to_string());
                failures.push(failure);
            }
        }
    }
    if !files.is_empty() && failures.len() == files.len() {
        return Err(Error::new("no label map could be postprocessed")
            .place(plural(files.len(), "case"))
            .because("what is wrong with each is said above"));
    }
    if let Some(evaluation) = evaluation {
        CaseFailure::add_later(&mut failures, evaluation.run(base_predictions, output, console)?);
    }
    match failures.len() {
        0 => console.success("Postprocessing completed successfully."),
        count => console.warn(&format!("{} failed", plural(count, "case"))),
    }
    Ok(failures)
}

/// Copies the strategy to the results, byte for byte.
fn keep_strategy(from: &Path, to: &Path) -> Result<()> {
    if is_same_file(from, to) {
        return Ok(());
    }
    let bytes = std::fs::read(from).map_err(|error| Error::new("cannot read the strategy").at(from).because(error))?;
    write_atomically(to, &bytes)
}

fn clean_up(strategy: &Strategy, file: &LabelFile, folder: &Path) -> Result<Vec<Skipped>, CaseFailure> {
    let mut labels = label_map::read(&file.path).map_err(|problem| problem.of_case(&file.id))?;
    let skipped = strategy.apply(&mut labels);
    let target = folder.join(format!("{}{}", file.id, label_map::ENDING));
    nifti::write(&target, &labels).map_err(|error| CaseFailure {
        id: file.id.clone(),
        stage: "writing".into(),
        file: Some(target.clone()),
        reason: error.problem.to_string(),
    })?;
    Ok(skipped)
}

/// The steps as a table.
fn summary(strategy: &Strategy) -> String {
    let mut rows = vec![["Transform".to_owned(), "Per Label".to_owned(), "Target Labels".to_owned()]];
    for step in &strategy.steps {
        let labels: Vec<String> = step.labels.iter().map(i64::to_string).collect();
        let per_label = if step.per_label { "True" } else { "False" };
        rows.push([step.transform.name.to_owned(), per_label.to_owned(), labels.join(", ")]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line = |[name, per_label, labels]: &[String; 3]| format!("  {name:first$}  {per_label:second$}  {labels}");
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("Strategy Summary\n{}", lines.join("\n"))
}
