//! `mist schema`.

use crate::commands::{Action, Context};
use clap::ValueEnum;
use mist::{CaseFailure, Result, schema};

/// Print what may stand in a file as JSON Schema, for editors and other programs
#[derive(clap::Args)]
pub(crate) struct Schema {
    /// The file that is described
    #[arg(value_name = "FILE")]
    file: File,
}

#[derive(Clone, Copy, ValueEnum)]
enum File {
    /// dataset.json, which `analyze` reads
    Dataset,
    /// config.json, which it writes
    Config,
}

impl Action for Schema {
    const NAME: &'static str = "schema";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let file = match self.file {
            File::Dataset => schema::File::Dataset,
            File::Config => schema::File::Config,
        };
        schema::run(file, context.registry, context.console)
    }
}
