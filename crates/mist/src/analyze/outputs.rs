//! The files that analysis leaves behind.

use crate::config::Config;
use crate::error::{CaseFailure, Error, Result};
use crate::tables::{BoundingBoxes, LeftOut, TestPaths, TrainPaths};
use std::path::{Path, PathBuf};

/// Where the results go.
pub struct OutputFiles {
    config: PathBuf,
    train_paths: PathBuf,
    test_paths: PathBuf,
    boxes: PathBuf,
    left_out: PathBuf,
}

/// What goes there.
pub struct Outputs {
    /// Everything that was decided.
    pub config: Config,
    /// Usable training cases in fold order.
    pub train_paths: TrainPaths,
    /// Foreground boxes in the same order.
    pub boxes: BoundingBoxes,
    /// Usable test cases, where the data set has test data.
    pub test_paths: Option<TestPaths>,
    /// Cases that cannot be used.
    pub left_out: Vec<CaseFailure>,
}

impl OutputFiles {
    /// The files in the folder `results`.
    pub fn of(results: &Path) -> Self {
        Self {
            config: results.join("config.json"),
            train_paths: results.join("train_paths.csv"),
            test_paths: results.join("test_paths.csv"),
            boxes: results.join("fg_bboxes.csv"),
            left_out: LeftOut::file(results),
        }
    }

    /// Refuses to replace an earlier analysis unless that is allowed.
    pub fn check_replaceable(&self, overwrite: bool) -> Result<()> {
        if self.config.exists() && !overwrite {
            return Err(Error::new("the folder already holds an analysis")
                .at(&self.config)
                .hint("choose another folder with --results, or allow replacing the analysis with --overwrite"));
        }
        Ok(())
    }

    /// Writes all files, `config.json` last. A table of test cases that an earlier analysis left is removed when there
    /// is no test data any more: prediction would take it for current.
    pub fn write(&self, outputs: &Outputs) -> Result<()> {
        outputs.boxes.write(&self.boxes)?;
        outputs.train_paths.write(&self.train_paths)?;
        match &outputs.test_paths {
            Some(table) => table.write(&self.test_paths)?,
            None if self.test_paths.exists() => std::fs::remove_file(&self.test_paths)
                .map_err(|error| Error::new("cannot remove an outdated table").at(&self.test_paths).because(error))?,
            None => {}
        }
        LeftOut::write(&self.left_out, &outputs.left_out)?;
        outputs.config.save(&self.config)
    }
}
