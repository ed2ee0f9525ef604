//! `mist postprocess`.

use super::values;
use crate::commands::{Action, Context};
use mist::{CaseFailure, Error, Result, postprocess};
use std::path::PathBuf;

/// Clean up segmentations by rules: remove small objects, keep the largest, fill holes
#[derive(clap::Args)]
pub(crate) struct Postprocess {
    /// Folder of the segmentations, <id>.nii.gz
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    base_predictions: PathBuf,
    /// Folder for the results: predictions/, strategy.json and the tables; created if missing
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    output: PathBuf,
    /// The rules, a JSON file; `mist describe-transforms` tells what there is
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    postprocess_strategy: PathBuf,
    /// Number of cases in work at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_postprocess: usize,
    /// True masks to compare with, before and after: a CSV file with the columns id and mask; together with --eval-config
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    paths_csv: Option<PathBuf>,
    /// How to compare: the config.json of the run, or a file with its evaluation section alone; together with --paths-csv
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    eval_config: Option<PathBuf>,
    /// Number of cases compared at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_evaluate: usize,
}

impl Postprocess {
    fn options(self) -> Result<postprocess::Options> {
        let evaluation = match (self.paths_csv, self.eval_config) {
            (None, None) => None,
            (Some(paths_csv), Some(config)) => {
                Some(postprocess::EvaluationRequest { paths_csv, config, workers: self.num_workers_evaluate })
            }
            _ => return Err(Error::usage("--paths-csv and --eval-config must both be provided together.")),
        };
        Ok(postprocess::Options {
            base_predictions: self.base_predictions,
            output: self.output,
            strategy: self.postprocess_strategy,
            workers: self.num_workers_postprocess,
            evaluation,
        })
    }
}

impl Action for Postprocess {
    const NAME: &'static str = "postprocess";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        postprocess::run(&self.options()?, context.console)
    }
}
