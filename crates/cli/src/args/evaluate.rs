//! `mist evaluate`.

use super::memory::Memory;
use super::values;
use crate::commands::{Action, Context};
use mist::{CaseFailure, Error, Result, evaluate};
use std::path::PathBuf;

/// Compare segmentations with the truth, class by class and case by case
#[derive(clap::Args)]
pub(crate) struct Evaluate {
    /// The config.json of the run, or a file with its evaluation section alone
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    config: PathBuf,
    /// Pairs to compare: a CSV file with the columns id, mask and prediction
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    #[arg(required_unless_present_all = ["masks", "predictions"], conflicts_with_all = ["masks", "predictions"])]
    paths_csv: Option<PathBuf>,
    /// Folder of the true masks, <id>.nii.gz, instead of a CSV file
    #[arg(long, value_name = "FOLDER", requires = "predictions", value_parser = values::path())]
    masks: Option<PathBuf>,
    /// Folder of the segmentations, <id>.nii.gz, instead of a CSV file
    #[arg(long, value_name = "FOLDER", requires = "masks", value_parser = values::path())]
    predictions: Option<PathBuf>,
    /// File for the results, a CSV table; its folder is created if missing
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    output_csv: PathBuf,
    /// Number of cases evaluated at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_evaluate: usize,
    /// Check that every file is 3-D and holds only known labels
    #[arg(long)]
    validate: bool,
    /// What becomes of a case whose prediction is missing, damaged or on another grid: left out of the table, or given the
    /// worst value of every score, as in challenges; either way it is listed in failures.csv beside the table
    #[arg(long, value_name = "WHAT", default_value = "leave-out", value_parser = ["leave-out", "worst"])]
    missing: String,
    #[command(flatten)]
    memory: Memory,
}

impl Evaluate {
    fn options(self) -> Result<evaluate::Options> {
        let input = match (self.paths_csv, self.masks, self.predictions) {
            (Some(file), _, _) => evaluate::Input::Csv(file),
            (None, Some(masks), Some(predictions)) => evaluate::Input::Folders { masks, predictions },
            _ => return Err(Error::usage("--paths-csv, or --masks with --predictions, is needed")),
        };
        Ok(evaluate::Options {
            config: self.config,
            input,
            output_csv: self.output_csv,
            workers: self.num_workers_evaluate,
            validate: self.validate,
            missing: if self.missing == "worst" { evaluate::Missing::Worst } else { evaluate::Missing::LeaveOut },
            max_memory: self.memory.max_memory,
        })
    }
}

impl Action for Evaluate {
    const NAME: &'static str = "evaluate";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        evaluate::run(&self.options()?, context.registry, context.console)
    }
}
