//! The scores of a `results.csv`, case by case.

use super::aggregate::AGGREGATES;
use crate::error::Result;
use crate::tables::CsvFile;
use std::path::Path;

/// The table without the rows that sum it up.
#[derive(Debug, Default)]
pub struct Scores {
    /// Names of the columns: `<class>_<metric>`.
    pub columns: Vec<String>,
    /// Case id and one value per column, in the order of the table; `None` where it is missing or no number.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Scores {
    /// Reads the table.
    pub fn read(path: &Path) -> Result<Self> {
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

    /// The values of a case.
    pub fn of(&self, id: &str) -> Option<&[Option<f64>]> {
        self.rows.iter().rfind(|(other, _)| other == id).map(|(_, values)| values.as_slice())
    }

    /// Classes with a Dice, each with its column; that of single lesions is another score.
    pub fn dice(&self) -> Vec<(usize, &str)> {
        let named = self.columns.iter().enumerate().filter(|(_, name)| !name.ends_with("_lesion_wise_dice"));
        named.filter_map(|(column, name)| Some((column, name.strip_suffix("_dice")?))).collect()
    }
}
