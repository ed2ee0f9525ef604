//! `left_out.csv`: cases that a stage could not use, for the stages after it.

use super::csv_file::{CsvFile, write};
use crate::error::{CaseFailure, Result};
use crate::files::remove_file;
use std::path::{Path, PathBuf};

/// `left_out.csv`: the cases that a finished stage left out, `id,stage,file,reason`. A run that is resumed keeps the stage
/// and lists its failures from here. Without failures there is no such file.
pub struct LeftOut;

impl LeftOut {
    /// The file in the folder that the stage fills.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("left_out.csv")
    }

    /// The failures; none where there is no file.
    pub fn read(path: &Path) -> Result<Vec<CaseFailure>> {
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let table = CsvFile::read(path)?;
        let (id, stage) = (table.column("id")?, table.column("stage")?);
        let (file, reason) = (table.column("file")?, table.column("reason")?);
        table.rows(|row| {
            Ok(CaseFailure {
                id: row.text(id).to_owned(),
                stage: row.text(stage).to_owned(),
                file: Some(row.path(file)).filter(|path| !path.as_os_str().is_empty()),
                reason: row.text(reason).to_owned(),
            })
        })
    }

    /// Replaces the file, or removes it where nothing was left out.
    pub fn write(path: &Path, failures: &[CaseFailure]) -> Result<()> {
        if failures.is_empty() {
            return remove_file(path);
        }
        let row = |failure: &CaseFailure| {
            let file = failure.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
            vec![failure.id.clone(), failure.stage.clone(), file, failure.reason.clone()]
        };
        write(path, &["id", "stage", "file", "reason"], failures.iter().map(row))
    }
}
