//! `mist config`.

use super::values;
use crate::commands::{Action, Context};
use mist::config::{check, diff};
use mist::{CaseFailure, Result};
use std::path::PathBuf;

/// Check a config.json or dataset.json, or list in which keys two of them differ
#[derive(clap::Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// List all that is wrong with a config.json, a line each, and its unknown keys; fails where something is wrong
    Check {
        /// The config.json
        #[arg(value_name = "FILE", required_unless_present = "dataset", value_parser = values::path())]
        file: Option<PathBuf>,
        /// A dataset.json to check (too)
        #[arg(long, value_name = "FILE", value_parser = values::path())]
        dataset: Option<PathBuf>,
    },
    /// List the keys in which two files differ; exit status 0 where none does, 1 where one does, 2 for unreadable files
    Diff {
        /// The first file
        #[arg(value_name = "FIRST", value_parser = values::path())]
        first: PathBuf,
        /// The second file
        #[arg(value_name = "SECOND", value_parser = values::path())]
        second: PathBuf,
    },
}

impl Action for Config {
    const NAME: &'static str = "config";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        match self.task {
            Task::Check { file, dataset } => {
                check::run(&check::Options { config: file, dataset }, context.registry, context.console)
            }
            Task::Diff { first, second } => diff::run(&first, &second, context.console),
        }
    }
}
