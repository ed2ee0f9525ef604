//! The `mist` command: parse, call, print. What the work is, the crate `mist` knows.
//!
//! A program of your own that calls [`run`] with a registry holding its own models and losses offers every command
//! with those selectable by `--model` and `--loss`.

mod aliases;
mod args;
mod commands;
mod report;
mod terminal;

use mist_nn::Registry;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use terminal::Terminal;

/// Entry point of a program that offers the commands: reads the command line of the process, installs the handler of
/// SIGINT and SIGTERM, and returns the exit status.
///
/// 0: done. 1: failed. 2: wrong command line. 3: done, but some cases had to be left out. 130: stopped by the user.
pub fn run(registry: Registry) -> ExitCode {
    let terminal = Arc::new(Terminal::new());
    let shown = terminal.clone();
    if let Err(error) = ctrlc::set_handler(move || on_signal(&shown)) {
        report::warning(&format!("cannot handle Ctrl-C, which will stop the program at once: {error}"));
    }
    ExitCode::from(commands::dispatch(&registry, &*terminal, std::env::args_os()))
}

/// Like [`run`] for a given command line, the program name first; leaves signals alone.
pub fn run_with(registry: &Registry, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> ExitCode {
    let terminal = Terminal::new();
    ExitCode::from(commands::dispatch(registry, &terminal, arguments.into_iter().map(Into::into)))
}

/// The first signal asks for an orderly stop, the second one is obeyed at once.
fn on_signal(terminal: &Terminal) {
    if mist::interrupt::requested() {
        terminal.leave();
        std::process::exit(i32::from(report::INTERRUPTED));
    }
    mist::interrupt::request();
    terminal.stopping();
}
