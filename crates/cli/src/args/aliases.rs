//! `mist aliases`.

use super::values;
use crate::commands::{Action, Context, alias_names};
use mist::{CaseFailure, Error, Result};
use std::path::PathBuf;

/// Answer to the command names of MIST 2.3.0: mist_train, mist_run_all and so on
#[derive(clap::Args)]
pub(crate) struct Aliases {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Make the links to this program in a folder; never over another program
    Install {
        /// Folder for the links, best one that is searched for programs; created if missing
        #[arg(value_name = "FOLDER", value_parser = values::path())]
        folder: PathBuf,
    },
}

impl Action for Aliases {
    const NAME: &'static str = "aliases";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let Task::Install { folder } = self.task;
        let program = std::env::current_exe()
            .map_err(|error| Error::new("cannot find the program that the links should lead to").because(error))?;
        for link in crate::aliases::install(&folder, &alias_names(), &program)? {
            context.console.info(&link.display().to_string());
        }
        Ok(Vec::new())
    }
}
