//! `mist view`.

use super::values;
use crate::commands::{Action, Context};
use mist::{CaseFailure, Result, view};
use std::path::PathBuf;

/// What draws volumes: NiiVue, see assets/niivue.
#[cfg(feature = "view")]
const VIEWER: Option<view::Viewer> = Some(view::Viewer {
    script: include_bytes!("../../assets/niivue/niivue.umd.js"),
    licences: concat!(
        include_str!("../../assets/niivue/LICENSE"),
        include_str!("../../assets/niivue/LICENSE-bundled.txt")
    ),
});
#[cfg(not(feature = "view"))]
const VIEWER: Option<view::Viewer> = None;

/// See scans, truth and predictions in the browser, the worst cases first
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct View {
    /// Folder of the run, as left by `finalize`
    #[arg(value_name = "FOLDER", default_value = "./results", value_parser = values::path())]
    results: PathBuf,
    /// Port of 127.0.0.1 to listen on; by default any free one
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Print the address only
    #[arg(long)]
    no_browser: bool,
}

const AFTER: &str = "\
The page is served to this computer alone, at an address that cannot be guessed, until Ctrl-C. \
Nothing is changed, and nothing leaves the computer.
With mist on another computer: `ssh -L PORT:127.0.0.1:PORT COMPUTER`, then `mist view --port PORT` there, and open \
the address that it prints in the browser here.";

impl View {
    fn options(self) -> view::Options {
        view::Options { results: self.results, port: self.port, open_browser: !self.no_browser, viewer: VIEWER }
    }
}

impl Action for View {
    const NAME: &'static str = "view";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        view::run(&self.options(), context.console)
    }
}
