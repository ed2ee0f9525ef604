//! `failures.csv` beside `results.csv`: the cases that could not be compared.

use crate::error::{CaseFailure, Result};
use crate::tables::LeftOut;
use std::path::{Path, PathBuf};

/// The list that belongs to a table of results: `failures.csv` for `results.csv`, `a_failures.csv` for `a.csv`.
pub fn failures_file(table: &Path) -> PathBuf {
    let stem = table.file_stem().unwrap_or_default().to_string_lossy();
    table.with_file_name(match stem.as_ref() {
        "results" => "failures.csv".to_owned(),
        stem => format!("{stem}_failures.csv"),
    })
}

/// Writes the list, `id,stage,file,reason`; without failures the one of an earlier run is removed.
pub(super) fn write(table: &Path, failures: &[CaseFailure]) -> Result<()> {
    LeftOut::write(&failures_file(table), failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_in_one_folder_have_lists_of_their_own() {
        assert_eq!(failures_file(Path::new("run/results.csv")), Path::new("run/failures.csv"));
        assert_eq!(failures_file(Path::new("run/base.csv")), Path::new("run/base_failures.csv"));
        assert_eq!(failures_file(Path::new("scores")), Path::new("scores_failures.csv"));
    }
}
