//! A progress bar on a terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use mist::console::Bar;
use std::time::Duration;

const COLOURED: &str =
    "{spinner} {prefix:.bold.blue} {wide_bar} {pos}/{len} {percent:>3} % {elapsed_precise} left {eta_precise} {msg}";
const PLAIN: &str =
    "{spinner} {prefix} {wide_bar} {pos}/{len} {percent:>3} % {elapsed_precise} left {eta_precise} {msg}";

/// How often a bar moves while nothing advances, so that a long step does not look like a hang.
const TICK: Duration = Duration::from_millis(200);

pub(super) struct LiveBar {
    bar: ProgressBar,
}

impl LiveBar {
    pub(super) fn new(bars: &MultiProgress, title: &str, total: u64, colours: bool) -> Self {
        let style = ProgressStyle::with_template(if colours { COLOURED } else { PLAIN })
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bars.add(ProgressBar::new(total).with_style(style).with_prefix(title.to_owned()));
        bar.enable_steady_tick(TICK);
        Self { bar }
    }
}

impl Bar for LiveBar {
    fn advance(&self, count: u64) {
        self.bar.inc(count);
    }

    fn message(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }
}

/// The bar stays on the screen as far as it got.
impl Drop for LiveBar {
    fn drop(&mut self) {
        self.bar.abandon();
    }
}
