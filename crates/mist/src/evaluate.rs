//! Compares segmentations with the truth: `results.csv`.
//!
//! Everything that can be wrong before a voxel is read (the evaluation section, the table of cases) is an error. A case
//! that cannot be compared is listed in `failures.csv` and left out of the table, or has the worst scores there; the others
//! go on.

mod aggregate;
mod case;
mod failures;
mod folders;
mod memory;
mod report;
mod results_csv;
mod scores;
mod summary;
mod validate;

pub use aggregate::{AGGREGATES, aggregate};
pub use case::Checks;
pub use failures::failures_file;
pub use report::{EvaluationReport, Job, Missing, evaluate_table};
pub use results_csv::write_results_csv;
pub use scores::Scores;
pub use summary::summary;

use crate::config::EvaluationFile;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{check_no_file_in_the_way, create_folder, is_same_file, require_file, require_folder};
use crate::memory::Allowance;
use crate::tables::{EvaluationCase, EvaluationPaths};
use folders::{nested_image, pair_files};
use mist_nn::Registry;
use std::path::{Path, PathBuf};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A `config.json`, whose `evaluation` is used, or a file that is nothing but an evaluation section.
    pub config: PathBuf,
    /// Which files are compared.
    pub input: Input,
    /// Where the table goes; parent folders are created, an existing file is replaced.
    pub output_csv: PathBuf,
    /// Number of cases compared at the same time. Results do not depend on it.
    pub workers: usize,
    /// Check every mask for whole numbers and known labels before it is compared.
    pub validate: bool,
    /// What becomes of cases that cannot be compared.
    pub missing: Missing,
    /// Bytes of memory that the command may take; by default what is free.
    pub max_memory: Option<u64>,
}

/// Which files are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A table with columns `id`, `mask` and `prediction`.
    Csv(PathBuf),
    /// Two folders of NIfTI files with the same names.
    Folders {
        /// Folder of the true masks.
        masks: PathBuf,
        /// Folder of the predicted masks.
        predictions: PathBuf,
    },
}

/// Compares every pair of the input and writes the table, and the list of the cases that failed. Returns those.
///
/// # Errors
/// The evaluation section or the table of cases is not usable, no case could be compared, or the result cannot be
/// written.
pub fn run(options: &Options, _: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    require_file(&options.config, "there is no configuration", "name a config.json, or a file with its section")?;
    match &options.input {
        Input::Csv(path) => require_file(
            path,
            "there is no table",
            "give a CSV file with the columns id, mask and prediction, or two folders with --masks and --predictions",
        )?,
        Input::Folders { masks, predictions } => {
            const HINT: &str = "give a folder of NIfTI files, or a table with --paths-csv";
            require_folder(masks, "there is no folder of masks", HINT)?;
            require_folder(predictions, "there is no folder of predictions", HINT)?;
        }
    }
    let name = options.output_csv.to_string_lossy().to_lowercase();
    if [".nii", ".nii.gz", ".json"].iter().any(|ending| name.ends_with(ending)) {
        return Err(Error::usage("the table needs a name of its own")
            .at(&options.output_csv)
            .hint("give --output-csv a name that ends in .csv"));
    }
    if options.output_csv.is_dir() {
        return Err(Error::new("there is a folder where the table should go")
            .at(&options.output_csv)
            .hint("add the name of a file to --output-csv"));
    }
    options.output_csv.parent().map_or(Ok(()), check_no_file_in_the_way)?;
    let EvaluationFile { evaluation, known_labels, ignore_label, remarks } = EvaluationFile::load(&options.config)?;
    remarks.iter().for_each(|remark| console.warn(remark));
    let (cases, mut failures) = match &options.input {
        Input::Csv(path) => (EvaluationPaths::read(path)?.cases, Vec::new()),
        Input::Folders { masks, predictions } => pair_files(masks, predictions)?,
    };
    if cases.is_empty() && failures.is_empty() {
        return Err(Error::new("there is nothing to compare")
            .place(options.input.place())
            .hint(options.input.advice()));
    }
    spare_inputs(options, &cases)?;
    let job = Job {
        evaluation: &evaluation,
        cases: &cases,
        workers: options.workers,
        checks: Checks { known_labels, ignore_label, validate: options.validate },
        missing: options.missing,
        memory: Allowance::new(options.max_memory, console),
    };
    let report = evaluate_table(&job, console)
        .map_err(|error| error.if_interrupted("start the same command again; nothing was written"))?;
    failures.extend_from_slice(&report.failures);
    if report.rows.is_empty() {
        return Err(nothing_compared(&options.input, &failures, console));
    }
    conclude(&report, &failures, &options.output_csv, console)?;
    Ok(failures)
}

/// Writes the table and the list of failures beside it, and says what the means are. `failures` are those of the report and
/// of what came before it.
pub fn conclude(
    report: &EvaluationReport,
    failures: &[CaseFailure],
    table: &Path,
    console: &dyn Console,
) -> Result<()> {
    if let Some(folder) = table.parent() {
        create_folder(folder)?;
    }
    failures::write(table, failures)?;
    write_results_csv(report, table)?;
    console.info(&summary::describe(report, failures, table));
    console.success(&format!("Evaluation complete. Results saved to {}", table.display()));
    Ok(())
}

/// Refuses to write the table, or the list of failures, over what it is made from.
fn spare_inputs(options: &Options, cases: &[EvaluationCase]) -> Result<()> {
    let table = match &options.input {
        Input::Csv(path) => Some(path),
        Input::Folders { .. } => None,
    };
    let inputs = cases.iter().flat_map(|case| [&case.mask, &case.prediction]).chain(table).chain([&options.config]);
    let outputs = [&options.output_csv, &failures_file(&options.output_csv)];
    match inputs.into_iter().find(|input| outputs.iter().any(|output| is_same_file(input, output))) {
        None => Ok(()),
        Some(input) => Err(Error::usage("the table would replace a file that it is made from")
            .at(input)
            .hint("give another name with --output-csv")),
    }
}

/// Lists why each case failed. A table without a row would pass for a result, so this is an error and none is written.
fn nothing_compared(input: &Input, failures: &[CaseFailure], console: &dyn Console) -> Error {
    for failure in failures {
        console.error(&failure.to_string());
    }
    Error::new("no case could be compared")
        .place(input.place())
        .because(format!("{0} of {0} cases failed; nothing was written", failures.len()))
        .hint(input.advice())
}

impl Input {
    fn place(&self) -> String {
        match self {
            Self::Csv(path) => path.display().to_string(),
            Self::Folders { masks, predictions } => format!("{} and {}", masks.display(), predictions.display()),
        }
    }

    /// What to do where no case could be compared.
    fn advice(&self) -> String {
        const TABLE: &str = "list them in a CSV file with the columns id, mask and prediction, for --paths-csv";
        match self {
            Self::Csv(_) => {
                "the table needs one row per case with the files of its mask and its prediction, which must share a grid"
                    .to_owned()
            }
            Self::Folders { masks, predictions } => match [masks, predictions].into_iter().find_map(nested_image) {
                Some(file) => {
                    format!("files in folders of their own, such as {}, are not paired; {TABLE}", file.display())
                }
                None => format!(
                    "files are paired by their names, <id>.nii.gz in both folders; if yours have other names, {TABLE}"
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests;
