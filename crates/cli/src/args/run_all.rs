//! `mist run-all`.

use super::analyze::Plan;
use super::memory::Memory;
use super::overwrite::Overwrite;
use super::preprocess::Mode;
use super::train::Recipe;
use super::values;
use crate::commands::{Action, Context};
use clap::Command;
use mist::{CaseFailure, Result, run_all};
use mist_nn::Registry;
use std::path::PathBuf;

/// Analyze, preprocess and train in one go, with the flags of all three
#[derive(clap::Args)]
pub(crate) struct RunAll {
    /// Description of the data set, usually called dataset.json
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    data: PathBuf,
    /// Folder for the results of the run; created if missing
    #[arg(long, value_name = "FOLDER", default_value = "./results", value_parser = values::path())]
    results: PathBuf,
    /// Folder for the arrays; created if missing
    #[arg(long, value_name = "FOLDER", default_value = "./numpy", value_parser = values::path())]
    numpy: PathBuf,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    mode: Mode,
    #[command(flatten)]
    recipe: Recipe,
    #[command(flatten)]
    memory: Memory,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl RunAll {
    fn options(self) -> Result<run_all::Options> {
        let (memory, overwrite) = (self.memory, self.overwrite);
        let train = self.recipe.options(self.results.clone(), self.numpy.clone(), memory, overwrite)?;
        let batch = train.overrides.batch_size_per_gpu;
        Ok(run_all::Options {
            analyze: self.plan.options(self.data, self.results.clone(), batch, overwrite),
            preprocess: self.mode.options(self.results, self.numpy, memory, overwrite)?,
            train,
        })
    }
}

impl Action for RunAll {
    const NAME: &'static str = "run-all";

    fn with_choices(command: Command, registry: &Registry) -> Command {
        Recipe::with_choices(command, registry)
    }

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        run_all::run(&self.options()?, context.registry, context.console)
    }
}
