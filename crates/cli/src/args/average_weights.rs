//! `mist average-weights`.

use super::overwrite::Overwrite;
use super::values;
use crate::commands::{Action, Context};
use clap::ArgAction;
use mist::weights::average;
use mist::{CaseFailure, Result};
use std::path::PathBuf;

/// Average the weights of several folds into one file, as a start for training on other scans
#[derive(clap::Args)]
pub(crate) struct AverageWeights {
    /// Files with weights of the same network, such as the folds of a run
    #[arg(long, value_name = "FILE", num_args = 1.., required = true, action = ArgAction::Set)]
    #[arg(value_parser = values::path())]
    weights: Vec<PathBuf>,
    /// File to write, .pt or .safetensors
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    output: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Action for AverageWeights {
    const NAME: &'static str = "average-weights";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let Self { weights, output, overwrite } = self;
        let options = average::Options { weights, output, overwrite: overwrite.overwrite };
        average::run(&options, context.registry, context.console)
    }
}
