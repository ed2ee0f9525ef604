//! `mist weights`.

use super::overwrite::Overwrite;
use super::values;
use crate::commands::{Action, Context};
use mist::weights::{convert, inspect};
use mist::{CaseFailure, Result};
use std::path::PathBuf;

/// Look into weight files, or convert them between PyTorch (.pt) and safetensors
#[derive(clap::Args)]
pub(crate) struct Weights {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// List the tensors of a file
    Inspect {
        /// File with weights, .pt or .safetensors
        #[arg(value_name = "FILE", value_parser = values::path())]
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the tensors of a file to another, in the format that its name asks for
    Convert {
        /// File to read, .pt or .safetensors
        #[arg(value_name = "FROM", value_parser = values::path())]
        input: PathBuf,
        /// File to write, .pt or .safetensors
        #[arg(value_name = "TO", value_parser = values::path())]
        output: PathBuf,
        #[command(flatten)]
        overwrite: Overwrite,
    },
}

impl Action for Weights {
    const NAME: &'static str = "weights";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        match self.task {
            Task::Inspect { file, json } => inspect::run(&file, json, context.registry, context.console),
            Task::Convert { input, output, overwrite } => {
                convert::run(&convert::Options { input, output, overwrite: overwrite.overwrite }, context.console)
            }
        }
    }
}
