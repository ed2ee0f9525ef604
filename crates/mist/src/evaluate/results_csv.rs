//! `results.csv`: one row per case, then the summary rows.

use super::aggregate::AGGREGATES;
use super::report::EvaluationReport;
use super::summary::summary;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::text::python_float;
use std::path::Path;

/// Writes the table atomically: `id` and the columns of the report, its rows, and where there are rows the five
/// [`AGGREGATES`]. Numbers in the shortest form that reads back as the same double; missing ones are empty cells.
pub fn write_results_csv(report: &EvaluationReport, path: &Path) -> Result<()> {
    let encoded = encode(report).map_err(|error| Error::new("cannot write the table").at(path).because(error))?;
    write_atomically(path, &encoded)
}

fn encode(report: &EvaluationReport) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |id: &str, cells: &mut dyn Iterator<Item = String>| {
        writer.write_record(std::iter::once(id.to_owned()).chain(cells))
    };
    write("id", &mut report.columns.iter().cloned())?;
    let number = |cell: &Option<f64>| cell.map(python_float).unwrap_or_default();
    for (id, values) in &report.rows {
        write(id, &mut values.iter().map(number))?;
    }
    if !report.rows.is_empty() {
        let summaries: Vec<[Option<f64>; 5]> =
            (0..report.columns.len()).map(|column| summary(report, column)).collect();
        for (position, name) in AGGREGATES.into_iter().enumerate() {
            write(name, &mut summaries.iter().map(|summary| number(&summary[position])))?;
        }
    }
    Ok(writer.into_inner()?)
}
