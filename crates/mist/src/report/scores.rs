//! The scores of a run in numbers: the headline, and the table of all cases.

use super::markup::{number, table};
use crate::cases::{Case, Catalogue, Group};
use crate::evaluate::aggregate;
use crate::text::plural;
use mist_metrics::metric;

/// One column of `results.csv`.
pub(super) struct Column {
    pub(super) class: String,
    pub(super) metric: String,
    /// Case id and value, of the cases that have one.
    pub(super) values: Vec<(String, f64)>,
}

/// The scores by column.
pub(super) struct ScoreTable {
    pub(super) columns: Vec<Column>,
}

impl ScoreTable {
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let column = |(position, name): (usize, &String)| {
            let (class, metric) = split(name);
            let value = |case: &Case| Some((case.id.clone(), case.scores.get(position).copied().flatten()?));
            Column { class, metric, values: catalogue.cases.iter().filter_map(value).collect() }
        };
        Self { columns: catalogue.columns.iter().enumerate().map(column).collect() }
    }

    /// The metrics in the order of their first columns.
    pub(super) fn metrics(&self) -> Vec<&str> {
        let mut metrics: Vec<&str> = Vec::new();
        for column in &self.columns {
            if !metrics.contains(&column.metric.as_str()) {
                metrics.push(&column.metric);
            }
        }
        metrics
    }
}

impl Column {
    /// Mean, standard deviation, quartiles: in the order of the rows of `results.csv`.
    pub(super) fn summary(&self) -> [Option<f64>; 5] {
        aggregate(&self.values.iter().map(|(_, value)| Some(*value)).collect::<Vec<_>>())
    }
}

/// Class and metric of a column; the longest name of a metric counts, as `a_lesion_wise_dice` is no Dice.
fn split(column: &str) -> (String, String) {
    let metrics = metric::names().into_iter();
    let fits = metrics.filter_map(|metric| Some((column.strip_suffix(metric)?.strip_suffix('_')?, metric)));
    match fits.max_by_key(|(_, metric)| metric.len()) {
        Some((class, metric)) => (class.to_owned(), metric.to_owned()),
        None => (column.to_owned(), "other scores".to_owned()),
    }
}

/// What a reader wants to know first: how many cases, how good, and whether anything is wrong.
pub(super) fn headline(catalogue: &Catalogue, scores: &ScoreTable, problems: usize) -> String {
    let count = |group| catalogue.cases.iter().filter(|case| case.group == group).count();
    let (scored, unscored, test) = (count(Group::Scored), count(Group::Unscored), count(Group::Test));
    let mut parts = vec![plural(scored + unscored, "case")];
    parts.push(match (scored, unscored) {
        (0, _) => "none of them scored yet".to_owned(),
        (_, 0) => "all scored by models that had not seen them".to_owned(),
        (scored, _) => format!("{scored} of them scored by models that had not seen them"),
    });
    if test > 0 {
        parts.push(format!("{} to segment", plural(test, "more case")));
    }
    let mut markup = format!("<p class=\"lead\">{}.", parts.join(", "));
    if problems > 0 {
        let verb = if problems == 1 { "needs" } else { "need" };
        markup += &format!(" <strong>{} {verb} a look</strong>, see below.", plural(problems, "thing"));
    } else {
        markup += " Nothing failed and nothing is missing.";
    }
    markup += "</p>\n";
    if scored > 0 {
        markup += &summary(scores);
    }
    markup
}

/// Mean, spread and median of each column.
fn summary(scores: &ScoreTable) -> String {
    let header = ["class", "metric", "mean", "standard deviation", "median", "cases"].map(str::to_owned);
    let mut rows = Vec::new();
    for metric in scores.metrics() {
        for column in scores.columns.iter().filter(|column| column.metric == metric) {
            let [mean, deviation, _, median, _] = column.summary();
            let numbers = [mean, deviation, median].map(number);
            let mut row = vec![column.class.clone(), metric.to_owned()];
            row.extend(numbers);
            row.push(column.values.len().to_string());
            rows.push(row);
        }
    }
    table(&header, &rows, "summary")
}

/// Every case with its scores.
pub(super) fn every_case(catalogue: &Catalogue) -> String {
    if catalogue.cases.is_empty() {
        return "<p>There are no cases: no table of this folder names any.</p>\n".to_owned();
    }
    let mut header = vec!["case".to_owned(), "fold".to_owned()];
    header.extend(catalogue.columns.iter().cloned());
    header.push("remarks".to_owned());
    let row = |case: &Case| {
        let mut row = vec![case.id.clone(), case.fold.map_or("–".to_owned(), |fold| fold.to_string())];
        let score = |column: usize| number(case.scores.get(column).copied().flatten());
        row.extend((0..catalogue.columns.len()).map(score));
        let mut remarks = case.problems.clone();
        if case.group == Group::Test {
            remarks.insert(0, "test case".to_owned());
        }
        row.push(remarks.join("; "));
        row
    };
    let rows: Vec<Vec<String>> = catalogue.cases.iter().map(row).collect();
    format!("<p>Worst mean Dice first. Click a heading to sort by it.</p>\n{}", table(&header, &rows, "sortable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_taken_apart_at_the_longest_metric() {
        let split = |column| split(column);
        assert_eq!(split("left_lung_dice"), ("left_lung".to_owned(), "dice".to_owned()));
        assert_eq!(split("tumor_lesion_wise_dice"), ("tumor".to_owned(), "lesion_wise_dice".to_owned()));
        assert_eq!(split("volume"), ("volume".to_owned(), "other scores".to_owned()));
    }
}
