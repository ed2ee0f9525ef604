//! How messages and progress look: live bars on a terminal, plain lines in a log file. Everything can be understood
//! without colour. Information and results go to stdout; warnings and errors go to stderr.

mod live;
mod plain;

use crate::report;
use indicatif::{MultiProgress, ProgressDrawTarget};
use mist::console::{Bar, Console};
use std::collections::HashSet;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

/// The console of the program.
pub(crate) struct Terminal {
    /// Keeps the lines of several bars apart; none where stdout is not a terminal.
    live: Option<MultiProgress>,
    colours: bool,
    /// Warnings shown so far. Several stages of one run may find the same thing; once is enough.
    warned: Mutex<HashSet<String>>,
}

impl Terminal {
    /// Looks at stdout and at `NO_COLOR`.
    pub(crate) fn new() -> Self {
        let stdout = std::io::stdout();
        let live = stdout.is_terminal().then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stdout()));
        Self { live, colours: report::colours(&stdout), warned: Mutex::default() }
    }

    /// Prints around the bars that are on the screen.
    fn beside_bars(&self, print: impl FnOnce()) {
        match &self.live {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }

    fn line(&self, text: &str) {
        self.beside_bars(|| print_line(text));
    }
}

/// Prints to stdout. Nobody reads a closed pipe, so that is no reason to stop.
fn print_line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

impl Console for Terminal {
    fn section(&self, title: &str) {
        self.line(&format!("\n{}\n", report::styled(self.colours, report::BOLD, title)));
    }

    fn info(&self, text: &str) {
        self.line(text);
    }

    fn warn(&self, text: &str) {
        if self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned()) {
            self.beside_bars(|| report::warning(text));
        }
    }

    fn error(&self, text: &str) {
        self.beside_bars(|| report::labelled("error", report::RED, text));
    }

    fn success(&self, text: &str) {
        self.line(&format!("{} {text}", report::styled(self.colours, report::GREEN, "✓")));
    }

    fn bar(&self, title: &str, total: u64) -> Box<dyn Bar> {
        match &self.live {
            Some(bars) => Box::new(live::LiveBar::new(bars, title, total, self.colours)),
            None => Box::new(plain::PlainBar::new(title, total, print_line)),
        }
    }
}
