//! What a reader should look at: failures, missing results, warnings.

use crate::cases::{Catalogue, Group};
use crate::predict::report as prediction;
use crate::text::{escaped, plural};
use std::path::Path;

/// Cases named with a problem that many have.
const NAMED: usize = 12;

/// One thing, and the cases that have it.
pub(super) struct Problem {
    text: String,
    cases: Vec<String>,
}

/// Everything that is wrong, cases with the same problem together, in the order in which they are met.
pub(super) fn all(results: &Path, catalogue: &Catalogue) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut add = |text: &str, case: Option<&str>| {
        let found = problems.iter().position(|problem| problem.text == text);
        let position = found.unwrap_or_else(|| {
            problems.push(Problem { text: text.to_owned(), cases: Vec::new() });
            problems.len() - 1
        });
        problems[position].cases.extend(case.map(str::to_owned));
    };
    if let Some(gap) = &catalogue.gap {
        add(gap, None);
    }
    for case in catalogue.cases.iter().filter(|case| case.group != Group::Test) {
        case.problems.iter().for_each(|problem| add(problem, Some(&case.id)));
    }
    match prediction::earlier(&results.join("predictions/test")) {
        Ok(cases) => cases.values().for_each(|case| {
            let texts = case.warnings.iter().chain(&case.failure);
            texts.for_each(|text| add(&format!("prediction: {text}"), Some(&case.id)));
        }),
        Err(error) => add(&error.to_string(), None),
    }
    for case in catalogue.cases.iter().filter(|case| case.group == Group::Test) {
        case.problems.iter().for_each(|problem| add(problem, Some(&case.id)));
    }
    problems
}

/// The list; empty where all is well.
pub(super) fn section(problems: &[Problem]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let item = |problem: &Problem| {
        let named: Vec<String> = problem.cases.iter().take(NAMED).map(|id| escaped(id)).collect();
        let more = problem.cases.len().saturating_sub(NAMED);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let who = match problem.cases.len() {
            0 => String::new(),
            1 => format!("<b>{}</b>: ", named[0]),
            count => format!("<b>{}</b> ({}{rest}): ", plural(count, "case"), named.join(", ")),
        };
        format!("<li>{who}{}</li>\n", escaped(&problem.text))
    };
    format!("<ul class=\"problems\">\n{}</ul>\n", problems.iter().map(item).collect::<String>())
}
