//! What the program says at its end, and the exit status. Errors and warnings go to stderr.

use mist::error::Kind;
use mist::{CaseFailure, Error, Result};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};

pub(crate) const SUCCESS: u8 = 0;
pub(crate) const FAILURE: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const CASES_LEFT_OUT: u8 = 3;
pub(crate) const INTERRUPTED: u8 = 130;

/// Escape sequences of the few styles in use.
pub(crate) const RED: &str = "\x1b[1;31m";
pub(crate) const YELLOW: &str = "\x1b[33m";
pub(crate) const GREEN: &str = "\x1b[32m";
pub(crate) const BOLD: &str = "\x1b[1m";

/// True if colours may be used on that stream: it is a terminal and the user did not object (<https://no-color.org>).
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stream.is_terminal() && !refused && !dumb
}

/// `text` in the style, or plain.
pub(crate) fn styled(colours: bool, style: &str, text: &str) -> String {
    if colours { format!("{style}{text}\x1b[0m") } else { text.to_owned() }
}

/// Prints `label: text` to stderr, the label in its colour. A closed stderr is no reason to stop.
pub(crate) fn labelled(label: &str, style: &str, text: &str) {
    let mut stderr = std::io::stderr().lock();
    let label = styled(colours(&stderr), style, &format!("{label}:"));
    let _ = writeln!(stderr, "{label} {text}");
}

/// Prints a warning.
pub(crate) fn warning(text: &str) {
    labelled("warning", YELLOW, text);
}

/// Prints how the work ended and returns the exit status.
pub(crate) fn outcome(outcome: Result<Vec<CaseFailure>>) -> u8 {
    match outcome {
        Ok(failures) if failures.is_empty() => SUCCESS,
        Ok(failures) => {
            list(&failures);
            CASES_LEFT_OUT
        }
        Err(failure) => {
            if failure.kind() != Kind::Told {
                error(&failure);
            }
            match failure.kind() {
                Kind::Failure | Kind::Told => FAILURE,
                Kind::Usage => USAGE,
                Kind::Interrupted => INTERRUPTED,
            }
        }
    }
}

fn error(error: &Error) {
    labelled("error", RED, &error.to_string());
    if let Some(advice) = error.advice() {
        labelled("hint", BOLD, advice);
    }
}

/// How many cases, some of which may have more than one problem.
fn failed_count(failures: &[CaseFailure]) -> String {
    match failures.iter().map(|failure| &failure.id).collect::<BTreeSet<_>>().len() {
        1 => "1 case".to_owned(),
        count => format!("{count} cases"),
    }
}

/// The cases that failed, where nobody can miss them.
fn list(failures: &[CaseFailure]) {
    let cases = failed_count(failures);
    labelled("error", RED, &format!("{cases} failed:"));
    let mut stderr = std::io::stderr().lock();
    for failure in failures {
        let _ = writeln!(stderr, "  {failure}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_not_problems() {
        let failure =
            |id: &str| CaseFailure { id: id.into(), stage: "reading".into(), file: None, reason: "broken".into() };
        assert_eq!(failed_count(&[failure("a"), failure("a")]), "1 case");
        assert_eq!(failed_count(&[failure("a"), failure("b"), failure("a")]), "2 cases");
    }
}
