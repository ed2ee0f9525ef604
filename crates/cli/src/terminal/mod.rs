//! How messages and progress look: live bars on a terminal, plain lines in a log file. Everything can be understood
//! without colour. Information and results go to stdout; warnings and errors go to stderr.

mod live;
mod plain;
mod screen;
mod training;

use crate::report;
use indicatif::{MultiProgress, ProgressDrawTarget};
use mist::console::{Bar, Console, TrainingPlan, TrainingStatus, TrainingView};
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
    /// Looks at stdout, `TERM` and `NO_COLOR`.
    pub(crate) fn new() -> Self {
        let stdout = std::io::stdout();
        let can_move = std::env::var_os("TERM").is_none_or(|value| value != "dumb");
        let live = (stdout.is_terminal() && can_move).then(|| MultiProgress::with_draw_target(target()));
        Self { live, colours: report::colours(&stdout), warned: Mutex::default() }
    }

    /// Prints around the bars that are on the screen.
    fn beside_bars(&self, print: impl FnOnce()) {
        match &self.live {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }

    /// Says that the program stops soon.
    pub(crate) fn stopping(&self) {
        self.warn("stopping once the work in hand is complete; Ctrl-C again stops at once");
    }

    /// Leaves the line that bars are drawn on; the program ends at once.
    pub(crate) fn leave(&self) {
        if self.live.is_some() {
            print_line("");
        }
    }

    fn line(&self, text: &str) {
        self.beside_bars(|| print_line(text));
    }
}

/// Drawings in a second, at most; changes that come faster are seen together.
const DRAWINGS: u8 = 10;

fn target() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(screen::Screen::new()), DRAWINGS)
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

    fn training(&self, plan: TrainingPlan, status: TrainingStatus) -> Box<dyn TrainingView> {
        match &self.live {
            Some(bars) => Box::new(training::LiveTraining::new(bars, plan, status, self.colours)),
            None => Box::new(training::PlainTraining::new(plan, status, print_line)),
        }
    }
}
