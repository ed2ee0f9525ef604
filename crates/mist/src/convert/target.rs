//! Where a converted data set goes.

use super::image_file::Link;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::files::{check_no_file_in_the_way, write_atomically};
use crate::json;
use serde_json::Value;
use std::path::PathBuf;

/// Where a converted data set goes, and how: the same for every kind of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Folder for the converted data set; created.
    pub output: PathBuf,
    /// Cases in work at once.
    pub workers: usize,
    /// How files are taken over that need no change.
    pub link: Link,
    /// Allow an output folder that is not empty; cases of the same id are replaced.
    pub overwrite: bool,
}

impl Target {
    /// Fails unless the output folder can be used. Writes nothing.
    pub(super) fn check(&self) -> Result<()> {
        let output = &self.output;
        check_no_file_in_the_way(output)?;
        let entries = match std::fs::read_dir(output) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::new("cannot use the output folder").at(output).because(error)),
        };
        if self.overwrite || entries.count() == 0 {
            return Ok(());
        }
        Err(Error::new("the output folder is not empty")
            .at(output)
            .hint("give an empty one, or add --overwrite to replace cases of the same id"))
    }

    /// The description of the data set.
    pub(super) fn description(&self) -> PathBuf {
        self.output.join("dataset.json")
    }

    /// Writes `dataset.json`, shows it, and returns where it lies.
    pub(super) fn write_description(&self, description: &Value, console: &dyn Console) -> Result<PathBuf> {
        let text = json::to_text(description);
        let path = self.description();
        write_atomically(&path, text.as_bytes())?;
        console.info(&text);
        Ok(path)
    }
}
