//! `mist report`.

use super::values;
use crate::commands::{Action, Context};
use mist::{CaseFailure, Result, report};
use std::path::PathBuf;

/// Write one page about a run: scores, worst and best cases, curves, what failed
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Report {
    /// Folder of the run, as left by `analyze`, `train` or `finalize`
    #[arg(value_name = "FOLDER", default_value = "./results", value_parser = values::path())]
    results: PathBuf,
    /// The page [default: report.html in the folder of the run]
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    output: Option<PathBuf>,
    /// How many of the worst cases, and how many of the best, are shown with pictures
    #[arg(long, value_name = "COUNT", default_value = "3", value_parser = values::non_negative)]
    pictures: usize,
    /// A table written by `mist rank` to be shown as well
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    ranking: Option<PathBuf>,
}

const AFTER: &str = "\
The page is one file without anything from the network: it can be sent by mail or kept beside the models. It holds ids of \
cases and pictures of scans, so treat it like the scans. The run is only read.";

impl Report {
    fn options(self) -> report::Options {
        report::Options { results: self.results, output: self.output, pictures: self.pictures, ranking: self.ranking }
    }
}

impl Action for Report {
    const NAME: &'static str = "report";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        report::run(&self.options(), context.console)
    }
}
