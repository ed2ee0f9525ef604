//! Progress as lines of text, for log files: few enough to read, often enough to see that it moves.

use mist::console::Bar;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A line at each tenth of the way, unless the last one is younger than this.
const PAUSE: Duration = Duration::from_secs(20);

pub(super) struct PlainBar {
    title: String,
    total: u64,
    started: Instant,
    state: Mutex<State>,
    print: fn(&str),
}

struct State {
    done: u64,
    message: String,
    printed_at: Instant,
    printed_tenth: u64,
}

impl PlainBar {
    pub(super) fn new(title: &str, total: u64, print: fn(&str)) -> Self {
        let now = Instant::now();
        let state = State { done: 0, message: String::new(), printed_at: now, printed_tenth: 0 };
        Self { title: title.to_owned(), total, started: now, state: Mutex::new(state), print }
    }

    fn line(&self, state: &State) -> String {
        let elapsed = self.started.elapsed();
        let mut line = format!("{}: {}/{} in {}", self.title, state.done, self.total, duration(elapsed));
        if state.done > 0 && state.done < self.total {
            let left = elapsed.mul_f64((self.total - state.done) as f64 / state.done as f64);
            line.push_str(&format!(", about {} left", duration(left)));
        }
        if !state.message.is_empty() {
            line.push_str(", ");
            line.push_str(&state.message);
        }
        line
    }
}

impl Bar for PlainBar {
    fn advance(&self, count: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done = state.done.saturating_add(count);
        let tenth = state.done.saturating_mul(10) / self.total.max(1);
        let unfinished = state.done < self.total;
        if unfinished && tenth > state.printed_tenth && state.printed_at.elapsed() >= PAUSE {
            state.printed_tenth = tenth;
            state.printed_at = Instant::now();
            (self.print)(&self.line(&state));
        }
    }

    fn message(&self, text: &str) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).message = text.to_owned();
    }
}

/// The last line says how far it got, which is less than everything after an error.
impl Drop for PlainBar {
    fn drop(&mut self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (self.print)(&self.line(&state));
    }
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    fn record(text: &str) {
        LINES.lock().unwrap().push(text.to_owned());
    }

    #[test]
    fn a_quick_bar_is_one_line_with_the_last_message() {
        let bar = PlainBar::new("Analyzing", 100, record);
        for _ in 0..100 {
            bar.advance(1);
        }
        bar.message("loss: 0.1000");
        drop(bar);
        let lines = LINES.lock().unwrap();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("Analyzing: 100/100 in "), "{}", lines[0]);
        assert!(lines[0].ends_with(", loss: 0.1000"), "{}", lines[0]);
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(59)), "59 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(duration(Duration::from_secs(7500)), "2 h 5 min");
    }
}
