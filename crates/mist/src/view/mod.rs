//! `view`: the cases of a run in the browser, worst first, with scan, truth and prediction in three planes and 3D.
//!
//! A server for one person on one computer. It listens on 127.0.0.1 alone, answers only whoever knows the random address
//! that the command prints, and hands out the page and the volumes of a list made at its start; nothing that the browser
//! asks for becomes a path. Volumes go through the readers of this program, so that what is no image never leaves it, and
//! scan and masks lie where the rest of the program sees them.

mod address;
mod answer;
mod browser;
mod server;
mod site;

use crate::cases::Catalogue;
use crate::config::{Choices, Config};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{require_file, require_folder};
use crate::text::plural;
use server::Server;
use site::Site;
use std::path::PathBuf;
use std::sync::Arc;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Results folder of a run.
    pub results: PathBuf,
    /// Port to listen on; by default any free one.
    pub port: Option<u16>,
    /// Whether to open the page in the browser.
    pub open_browser: bool,
    /// What draws the volumes; `None` in a program built without it.
    pub viewer: Option<Viewer>,
}

/// NiiVue (<https://niivue.com>). The program brings it along, so that this crate builds and is tested without it.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    /// Its script, which defines `niivue`.
    pub script: &'static [u8],
    /// Its licence and those of what it bundles.
    pub licences: &'static str,
}

/// Serves the page until the user stops it, which is its normal end. Files of the run are only read.
pub fn run(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let viewer = options.viewer.ok_or_else(|| {
        Error::new("this program was built without the viewer")
            .hint("build it with `cargo install --path crates/cli --features view`, or take a release, which has it")
    })?;
    let results = &options.results;
    const HINT: &str = "name the results folder of a run";
    require_folder(results, "there is no such folder", HINT)?;
    let config = results.join("config.json");
    require_file(&config, "this is not the results folder of a run: it has no config.json", HINT)?;
    let config = Config::load(&config, &Choices::any())?;
    let catalogue = Catalogue::read(results, &config)?;
    if let Some(gap) = &catalogue.gap {
        console.warn(gap);
    }
    let cases = plural(catalogue.cases.len(), "case");
    let site = Arc::new(Site::new(catalogue, viewer)?);
    let server = Server::bind(options.port)?;
    let port = server.port();
    console.info(&format!("{cases} of {}", results.display()));
    console.info(&format!("\n  {}\n", site.address(port)));
    console.info("Only this computer can open that address, and only who knows it. Ctrl-C ends the viewer.");
    if options.open_browser && !browser::open(&site.first_address(port)) {
        console.info(&format!(
            "Open the address in a browser. Where the browser runs on another computer, run there first: \
             ssh -L {port}:127.0.0.1:{port} <this computer>"
        ));
    }
    server.serve(&site);
    Ok(Vec::new())
}
