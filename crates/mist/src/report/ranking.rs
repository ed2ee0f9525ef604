//! A table of `mist rank`.

use super::markup::table;
use crate::error::Result;
use crate::tables::CsvFile;
use std::path::Path;

/// The table as it is, best method first.
pub(super) fn section(path: &Path) -> Result<String> {
    let file = CsvFile::read(path)?;
    let strategy = file.column("strategy")?;
    let others = file.other_columns(&["strategy"]);
    let rows = file.rows(|row| {
        let mut cells = vec![row.text(strategy).to_owned()];
        cells.extend(others.iter().map(|(column, _)| row.text(*column).to_owned()));
        Ok(cells)
    })?;
    let mut header = vec!["method".to_owned()];
    header.extend(others.iter().map(|(_, name)| name.replace('_', " ")));
    Ok(table(&header, &rows, "sortable"))
}
