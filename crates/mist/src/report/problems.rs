//! What a reader should look at: failures, missing results, warnings.

use crate::cases::{Catalogue, Group};
use crate::error::Result;
use crate::json;
use crate::text::{escaped, plural};
use serde_json::Value;
use std::path::Path;

/// Cases named with a problem that many have.
const NAMED: usize = 12;

/// One thing, and the cases that have it.
pub(super) struct Problem {
    text: String,
    cases: Vec<String>,
}

/// Everything that is wrong, cases with the same problem together, in the order in which they are met.
pub(super) fn all(results: &Path, catalogue: &Catalogue) -> Result<Vec<Problem>> {
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
    for (case, warning) in of_prediction(&results.join("predictions/test/predict_report.json")) {
        add(&format!("prediction: {warning}"), Some(&case));
    }
    for case in catalogue.cases.iter().filter(|case| case.group == Group::Test) {
        case.problems.iter().for_each(|problem| add(problem, Some(&case.id)));
    }
    Ok(problems)
}

/// The warnings and failures of the test set's prediction: case and text. A report that is not readable says nothing.
fn of_prediction(report: &Path) -> Vec<(String, String)> {
    let Ok(report) = json::read(report) else { return Vec::new() };
    let mut found = Vec::new();
    for case in report["cases"].as_array().into_iter().flatten() {
        let id = case["id"].as_str().unwrap_or_default();
        let warnings = case["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let failure = case["failure"].as_str();
        found.extend(warnings.chain(failure).map(|text| (id.to_owned(), text.to_owned())));
    }
    found
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
