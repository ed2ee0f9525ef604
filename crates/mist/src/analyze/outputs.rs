//! The files that analysis leaves behind.

use super::data_dump::DataDump;
use crate::config::Config;
use crate::error::{CaseFailure, Error, Result};
use crate::files::remove_file;
use crate::tables::{BoundingBoxes, LeftOut, TestPaths, TrainPaths};
use std::path::{Path, PathBuf};

/// Where the results go.
pub struct OutputFiles {
    /// The configuration.
    pub config: PathBuf,
    train_paths: PathBuf,
    test_paths: PathBuf,
    boxes: PathBuf,
    left_out: PathBuf,
    /// How the checks of `--verify` came out.
    pub verification: PathBuf,
    dump_json: PathBuf,
    dump_markdown: PathBuf,
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
    /// Statistics of the data set, where asked for.
    pub data_dump: Option<DataDump>,
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
            verification: results.join("verification.csv"),
            dump_json: results.join("data_dump.json"),
            dump_markdown: results.join("data_dump.md"),
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

    /// Writes all files, `config.json` last. That of an earlier analysis is removed once a file could be written at all, as it
    /// says nothing of the new tables. A table of test cases that an earlier analysis left is removed when there is no test data any more:
    /// prediction would take it for current.
    pub fn write(&self, outputs: &Outputs) -> Result<()> {
        outputs.boxes.write(&self.boxes)?;
        remove_file(&self.config)?;
        outputs.train_paths.write(&self.train_paths)?;
        match &outputs.test_paths {
            Some(table) => table.write(&self.test_paths)?,
            None => remove_file(&self.test_paths)?,
        }
        LeftOut::write(&self.left_out, &outputs.left_out)?;
        if let Some(dump) = &outputs.data_dump {
            dump.write(&self.dump_json, &self.dump_markdown)?;
        }
        outputs.config.save(&self.config)
    }

    /// A dump that an earlier analysis left and this one did not replace. It is kept: the user may have written into it.
    pub fn outdated_dump(&self, outputs: &Outputs) -> Option<&Path> {
        (outputs.data_dump.is_none() && self.dump_json.exists()).then_some(&self.dump_json)
    }
}
