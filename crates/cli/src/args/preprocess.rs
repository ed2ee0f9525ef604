//! `mist preprocess`.

use super::memory::Memory;
use super::overwrite::Overwrite;
use super::values;
use crate::commands::{Action, Context};
use clap::ArgAction;
use mist::{CaseFailure, Result, preprocess};
use std::path::PathBuf;

/// Crop, resample and normalize the training cases, and store them as arrays
#[derive(clap::Args)]
pub(crate) struct Preprocess {
    /// Folder of the run, as written by `analyze`
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    results: PathBuf,
    /// Folder for the arrays; created if missing
    #[arg(long, value_name = "FOLDER", default_value = "./numpy", value_parser = values::path())]
    numpy: PathBuf,
    #[command(flatten)]
    mode: Mode,
    #[command(flatten)]
    memory: Memory,
    /// Continue a run that was stopped, or bring arrays up to date: those that need not change are kept
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    overwrite: Overwrite,
}

// The flags that run-all shares.
#[derive(clap::Args)]
pub(crate) struct Mode {
    /// Number of cases preprocessed at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_preprocess: usize,
    /// Only convert the scans to arrays; stored in config.json [default: as in config.json]
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, action = ArgAction::Set)]
    #[arg(default_missing_value = "true", value_parser = values::boolean)]
    no_preprocess: Option<bool>,
    /// Also store distance maps of the labels; stored in config.json [default: as in config.json]
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, action = ArgAction::Set)]
    #[arg(default_missing_value = "true", value_parser = values::boolean)]
    compute_dtms: Option<bool>,
}

impl Mode {
    /// What `mist preprocess` was asked to do.
    pub(crate) fn options(
        self,
        results: PathBuf,
        numpy: PathBuf,
        memory: Memory,
        overwrite: Overwrite,
    ) -> Result<preprocess::Options> {
        Ok(preprocess::Options {
            results,
            numpy,
            workers: self.num_workers_preprocess,
            no_preprocess: self.no_preprocess,
            compute_dtms: self.compute_dtms,
            max_memory: memory.max_memory,
            resume: false,
            overwrite: overwrite.overwrite,
        })
    }
}

impl Action for Preprocess {
    const NAME: &'static str = "preprocess";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let options = self.mode.options(self.results, self.numpy, self.memory, self.overwrite)?;
        let options = preprocess::Options { resume: self.resume, ..options };
        preprocess::run(&options, context.registry, context.console)
    }
}
