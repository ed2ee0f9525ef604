//! `mist finalize`.

use super::memory::Memory;
use super::values;
use crate::commands::{Action, Context};
use mist::{CaseFailure, Result, finalize};
use std::path::PathBuf;

/// Evaluate the predictions of all folds, and predict the test cases with all models
#[derive(clap::Args)]
pub(crate) struct Finalize {
    /// Folder of the run, as left by `train`
    #[arg(long, value_name = "FOLDER", default_value = "./results", value_parser = values::path())]
    results: PathBuf,
    /// Number of cases evaluated at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_evaluate: usize,
    /// Where the networks run: cpu, cuda, or the index of a GPU; this version computes on the CPU whatever is asked for
    #[arg(long, value_name = "DEVICE", default_value = "cpu", value_parser = values::device)]
    device: String,
    #[command(flatten)]
    memory: Memory,
}

impl Finalize {
    fn options(self) -> finalize::Options {
        finalize::Options {
            results: self.results,
            workers: self.num_workers_evaluate,
            device: self.device,
            max_memory: self.memory.max_memory,
        }
    }
}

impl Action for Finalize {
    const NAME: &'static str = "finalize";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        finalize::run(&self.options(), context.registry, context.console)
    }
}
