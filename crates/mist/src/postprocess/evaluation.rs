//! Scores of label maps before and after they were cleaned up.

use crate::config::EvaluationFile;
use crate::console::Console;
use crate::error::{CaseFailure, Result};
use crate::evaluate::{AGGREGATES, Checks, EvaluationReport, Job, Missing, evaluate_table, summary, write_results_csv};
use crate::files::require_file;
use crate::label_map::ENDING;
use crate::memory::Allowance;
use crate::tables::{EvaluationCase, MaskPaths};
use std::path::{Path, PathBuf};

/// What is compared, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Table with the columns `id` and `mask`.
    pub paths_csv: PathBuf,
    /// A `config.json`, or its evaluation section alone.
    pub config: PathBuf,
    /// Cases compared at once.
    pub workers: usize,
}

/// The request, read and checked.
pub(super) struct Prepared {
    file: EvaluationFile,
    masks: MaskPaths,
    workers: usize,
}

impl Prepared {
    pub(super) fn load(request: &Request) -> Result<Self> {
        require_file(&request.paths_csv, "Paths CSV not found", "give a table with the columns id and mask")?;
        require_file(&request.config, "Evaluation config not found", "name a config.json, or its evaluation section")?;
        Ok(Self {
            file: EvaluationFile::load(&request.config)?,
            masks: MaskPaths::read(&request.paths_csv)?,
            workers: request.workers,
        })
    }

    /// Writes `postprocess_results.csv`, and `base_results.csv` for the maps as they were; says what has become better.
    pub(super) fn run(&self, base: &Path, output: &Path, console: &dyn Console) -> Result<Vec<CaseFailure>> {
        self.file.remarks.iter().for_each(|remark| console.warn(remark));
        let before = self.score(base, &output.join("base_results.csv"), console)?;
        let table = output.join("postprocess_results.csv");
        let after = self.score(&output.join("predictions"), &table, console)?;
        console.info(&comparison(&before, &after));
        console.info(&format!("Wrote {}", table.display()));
        Ok(after.failures)
    }

    fn score(&self, folder: &Path, table: &Path, console: &dyn Console) -> Result<EvaluationReport> {
        let case = |(id, mask): &(String, PathBuf)| EvaluationCase {
            id: id.clone(),
            mask: mask.clone(),
            prediction: folder.join(format!("{id}{ENDING}")),
        };
        let cases: Vec<EvaluationCase> = self.masks.cases.iter().map(case).collect();
        let (known_labels, ignore_label) = (self.file.known_labels.clone(), self.file.ignore_label);
        let job = Job {
            evaluation: &self.file.evaluation,
            cases: &cases,
            workers: self.workers,
            checks: Checks { known_labels, ignore_label, validate: false },
            missing: Missing::LeaveOut,
            memory: Allowance::new(None, console),
        };
        let report = evaluate_table(&job, console)?;
        write_results_csv(&report, table)?;
        Ok(report)
    }
}

/// The means of every column before and after.
fn comparison(before: &EvaluationReport, after: &EvaluationReport) -> String {
    let mean = |report: &EvaluationReport, column: usize| {
        summary(report, column)[0].map_or("-".to_owned(), |mean| format!("{mean:.4}"))
    };
    let width = after.columns.iter().map(String::len).max().unwrap_or(0);
    let lines =
        after.columns.iter().enumerate().map(|(column, name)| {
            format!("  {name:width$}  {:>10}  {:>10}", mean(before, column), mean(after, column))
        });
    format!("  {:width$}  {:>10}  {:>10}\n{}", AGGREGATES[0], "before", "after", lines.collect::<Vec<_>>().join("\n"))
}
