//! The files that analysis leaves behind.

use super::data_dump::DataDump;
use crate::config::Config;
use crate::error::{CaseFailure, Error, Result};
use crate::files::remove_file;
use crate::tables::{BoundingBoxes, LeftOut, TestPaths, TrainPaths};
use std::path::{Path, PathBuf};

/// Beginning of the name of a folder in which results are made.
const STAGING: &str = ".analysis-";
const HINT: &str = "check the free space and the permissions of the folder; nothing was replaced";

/// Removes what killed analyses left.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            // Only tidying up: what cannot be removed is in nobody's way.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

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

    /// Writes all files: first beside the earlier ones, which stay if that fails, then in their places. From the first to the
    /// last of these moves there is no `config.json`, as one says nothing of the tables of another analysis. A table of test cases that an earlier analysis left is removed when there is no test data any more:
    /// prediction would take it for current.
    pub fn write(&self, outputs: &Outputs) -> Result<()> {
        let folder = self.config.parent().unwrap_or(Path::new("."));
        let failed =
            |error: std::io::Error| Error::new("cannot write the analysis").at(folder).because(error).hint(HINT);
        sweep(folder);
        let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(folder).map_err(failed)?;
        let staged = Self::of(staging.path());
        staged.fill(outputs, &self.dump_markdown).map_err(|error| {
            // Without the name of a folder that is gone when this is read.
            let text = error.to_string().replace(&staging.path().display().to_string(), &folder.display().to_string());
            Error::new("cannot write the analysis").because(text).hint(HINT)
        })?;
        remove_file(&self.config)?;
        if outputs.test_paths.is_none() {
            remove_file(&self.test_paths)?;
        }
        for (new, place) in staged.in_order().into_iter().zip(self.in_order()) {
            if new.exists() {
                std::fs::rename(new, place)
                    .map_err(|error| Error::new("cannot write the file").at(place).because(error))?;
            }
        }
        Ok(())
    }

    /// `dump_markdown` is that of an earlier analysis.
    fn fill(&self, outputs: &Outputs, dump_markdown: &Path) -> Result<()> {
        outputs.boxes.write(&self.boxes)?;
        outputs.train_paths.write(&self.train_paths)?;
        outputs.test_paths.as_ref().map_or(Ok(()), |table| table.write(&self.test_paths))?;
        LeftOut::write(&self.left_out, &outputs.left_out)?;
        if let Some(dump) = &outputs.data_dump {
            dump.write(&self.dump_json, &self.dump_markdown, dump_markdown)?;
        }
        outputs.config.save(&self.config)
    }

    /// In the order in which they come to their places.
    fn in_order(&self) -> [&Path; 7] {
        let Self { config, train_paths, test_paths, boxes, left_out, verification: _, dump_json, dump_markdown } = self;
        [boxes, train_paths, test_paths, left_out, dump_json, dump_markdown, config].map(PathBuf::as_path)
    }

    /// A dump that an earlier analysis left and this one did not replace. It is kept: the user may have written into it.
    pub fn outdated_dump(&self, outputs: &Outputs) -> Option<&Path> {
        (outputs.data_dump.is_none() && self.dump_json.exists()).then_some(&self.dump_json)
    }
}
