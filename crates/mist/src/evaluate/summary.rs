//! What the terminal says of a table of results: the means, and how many cases they are of.

use super::aggregate::{AGGREGATES, aggregate};
use super::failures::failures_file;
use super::report::EvaluationReport;
use crate::error::CaseFailure;
use crate::text::plural;
use std::collections::BTreeSet;
use std::path::Path;

/// Lines of the summary; a data set of a hundred organs has hundreds of columns.
const SHOWN: usize = 24;

/// The summary of a column over all cases, in the order of [`AGGREGATES`].
pub fn summary(report: &EvaluationReport, column: usize) -> [Option<f64>; 5] {
    let cells = report.rows.iter().map(|(_, values)| values.get(column).copied().flatten());
    aggregate(&cells.collect::<Vec<_>>())
}

/// Mean, standard deviation and median of each column, and under them of how many cases. `failures` are those of the whole
/// evaluation, also from before there was a report.
pub fn describe(report: &EvaluationReport, failures: &[CaseFailure], table: &Path) -> String {
    let width = report.columns.iter().map(String::len).max().unwrap_or(0);
    let [mean, deviation, _, median, _] = AGGREGATES;
    let mut lines = vec![format!("  {:width$}  {mean:>10}  {deviation:>10}  {median:>10}", "")];
    for (column, name) in report.columns.iter().enumerate().take(SHOWN) {
        let summary = summary(report, column);
        let number = |at: usize| summary[at].map_or("-".to_owned(), |value| format!("{value:.4}"));
        lines.push(format!("  {name:width$}  {:>10}  {:>10}  {:>10}", number(0), number(1), number(3)));
    }
    if report.columns.len() > SHOWN {
        lines.push(format!("  and {} more columns in {}", report.columns.len() - SHOWN, table.display()));
    }
    lines.push(format!("  {}", counts(report, failures, table)));
    lines.join("\n")
}

/// Of how many cases the numbers are.
fn counts(report: &EvaluationReport, failures: &[CaseFailure], table: &Path) -> String {
    let failed: BTreeSet<&str> = failures.iter().map(|failure| failure.id.as_str()).collect();
    let cases = format!("of {}", plural(report.rows.len(), "case"));
    let worst = report.rows.iter().filter(|(id, _)| failed.contains(id.as_str())).count();
    let absent = failed.len() - worst;
    let mut parts = vec![cases];
    parts.extend((worst > 0).then(|| match worst {
        1 => "1 of them failed and counts as the worst".to_owned(),
        _ => format!("{worst} of them failed and count as the worst"),
    }));
    parts.extend((absent > 0).then(|| match absent {
        1 => "1 more failed and is not in these numbers".to_owned(),
        _ => format!("{absent} more failed and are not in these numbers"),
    }));
    if !failed.is_empty() {
        parts.push(format!("see {}", failures_file(table).display()));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_cases_are_counted_under_the_means() {
        let failure = |id: &str| CaseFailure { id: id.into(), stage: "reading".into(), file: None, reason: "".into() };
        let row = |id: &str, value| (id.to_owned(), vec![Some(value)]);
        let report = EvaluationReport {
            columns: vec!["liver_dice".into()],
            rows: vec![row("a", 1.0), row("b", 0.5), row("c", 0.0)],
            failures: Vec::new(),
        };
        let last = |failures: &[CaseFailure]| {
            let text = describe(&report, failures, Path::new("results.csv"));
            text.lines().last().unwrap_or_default().trim().to_owned()
        };
        assert_eq!(last(&[]), "of 3 cases");
        assert_eq!(
            last(&[failure("c"), failure("d"), failure("d")]),
            "of 3 cases; 1 of them failed and counts as the worst; 1 more failed and is not in these numbers; see failures.csv"
        );
        let text = describe(&report, &[], Path::new("results.csv"));
        assert_eq!(text.lines().nth(1), Some("  liver_dice      0.5000      0.4082      0.5000"));
    }

    #[test]
    fn hundreds_of_columns_are_not_printed() {
        let columns: Vec<String> = (0..100).map(|organ| format!("organ_{organ}_dice")).collect();
        let report = EvaluationReport { rows: vec![("a".into(), vec![Some(1.0); 100])], columns, failures: Vec::new() };
        let text = describe(&report, &[], Path::new("r.csv"));
        assert_eq!(text.lines().count(), 1 + SHOWN + 2);
        assert!(text.contains("and 76 more columns in r.csv"));
    }
}
