//! The tables that ranking writes.

use crate::error::Result;
use crate::tables::write_csv;
use crate::text::python_float;
use std::path::Path;

/// Names with their mean ranks, best first; equal ones in the order given.
pub fn best_first<'a>(names: &'a [String], means: &[f64]) -> Vec<(&'a str, f64)> {
    let mut rows: Vec<(&str, f64)> = names.iter().map(String::as_str).zip(means.iter().copied()).collect();
    rows.sort_by(|one, other| one.1.total_cmp(&other.1));
    rows
}

/// `strategy,average_rank`.
pub fn summary(path: &Path, names: &[String], means: &[f64]) -> Result<()> {
    let rows = best_first(names, means).into_iter().map(|(name, mean)| vec![name.to_owned(), python_float(mean)]);
    write_csv(path, &["strategy", "average_rank"], rows)
}

/// `strategy` and a mean rank per column.
pub fn detailed(path: &Path, names: &[String], columns: &[String], means: &[Vec<f64>]) -> Result<()> {
    let header: Vec<&str> = std::iter::once("strategy").chain(columns.iter().map(String::as_str)).collect();
    let row = |(name, means): (&String, &Vec<f64>)| {
        std::iter::once(name.clone()).chain(means.iter().map(|mean| python_float(*mean))).collect::<Vec<_>>()
    };
    write_csv(path, &header, names.iter().zip(means).map(row))
}

/// `strategy` and a p-value per method: that of the row being better than that of the column.
pub fn significance(path: &Path, names: &[String], p_values: &[Vec<Option<f64>>]) -> Result<()> {
    let header: Vec<&str> = std::iter::once("strategy").chain(names.iter().map(String::as_str)).collect();
    let row = |(name, p_values): (&String, &Vec<Option<f64>>)| {
        let cell = |p_value: &Option<f64>| p_value.map(python_float).unwrap_or_default();
        std::iter::once(name.clone()).chain(p_values.iter().map(cell)).collect::<Vec<_>>()
    };
    write_csv(path, &header, names.iter().zip(p_values).map(row))
}
