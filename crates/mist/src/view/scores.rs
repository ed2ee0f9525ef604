//! The scores of a `results.csv`, case by case.

use crate::error::Result;
use crate::evaluate::AGGREGATES;
use crate::tables::CsvFile;
use std::collections::HashMap;
use std::path::Path;

/// The table without the rows that sum it up.
#[derive(Debug, Default)]
pub(super) struct Scores {
    /// Names of the columns: `<class>_<metric>`.
    pub(super) columns: Vec<String>,
    /// One value per column for each case; `None` where it is missing or no number.
    pub(super) rows: HashMap<String, Vec<Option<f64>>>,
}

impl Scores {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = CsvFile::read(path)?;
        let id = file.column("id")?;
        let columns = file.other_columns(&["id"]);
        let number = |text: &str| text.trim().parse().ok().filter(|value: &f64| !value.is_nan());
        let rows = file.rows(|row| {
            let values = columns.iter().map(|(column, _)| number(row.text(*column))).collect();
            Ok((row.text(id).to_owned(), values))
        })?;
        let is_case = |(id, _): &(String, _)| !AGGREGATES.contains(&id.as_str());
        Ok(Self {
            columns: columns.into_iter().map(|(_, name)| name).collect(),
            rows: rows.into_iter().filter(is_case).collect(),
        })
    }

    /// Classes with a Dice, each with its column.
    pub(super) fn dice(&self) -> Vec<(usize, &str)> {
        let named = self.columns.iter().enumerate().filter(|(_, name)| !name.ends_with("_lesion_wise_dice"));
        named.filter_map(|(column, name)| Some((column, name.strip_suffix("_dice")?))).collect()
    }
}
