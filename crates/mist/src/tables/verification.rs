use super::csv_file::write;
use crate::analyze::verification::Row;
use crate::error::Result;
use std::path::Path;

/// `verification.csv`: `case,check,values,verdict`, one row for each check of each case.
pub struct Verification;

impl Verification {
    /// Replaces the file.
    pub fn write(path: &Path, rows: &[Row]) -> Result<()> {
        let row = |row: &Row| {
            vec![row.case.clone(), row.check.name().to_owned(), row.values.clone(), row.verdict.name().to_owned()]
        };
        write(path, &["case", "check", "values", "verdict"], rows.iter().map(row))
    }
}
