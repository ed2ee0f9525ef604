//! `mist demo`.

use super::overwrite::Overwrite;
use super::values;
use crate::commands::{Action, Context};
use mist::{CaseFailure, Result, demo};
use std::path::PathBuf;

/// See the whole job on real scans in a few minutes, command by command
#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Folder for the scans and everything made from them; created if missing
    #[arg(long, value_name = "FOLDER", default_value = "./mist-demo", value_parser = values::path())]
    output: PathBuf,
    /// Make two-channel scans with organs and a lesion instead of using the real ones
    #[arg(long)]
    synthetic: bool,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Demo {
    fn options(self) -> demo::Options {
        demo::Options { output: self.output, synthetic: self.synthetic, overwrite: self.overwrite.overwrite }
    }
}

impl Action for Demo {
    const NAME: &'static str = "demo";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        demo::run(&self.options(), context.registry, context.console)
    }
}
