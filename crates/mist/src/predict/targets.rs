//! Where the files of a prediction go.

use super::inputs::Case;
use super::shard::Shard;
use crate::error::{Error, Result};
use crate::files::{create_folder, is_same_file, remove_file};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is written beside the label maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProbabilityMaps {
    /// Each class interpolated on its own, as MIST writes it: values may leave 0 to 1, do not always sum to 1, and are 0 for all
    /// classes outside the foreground box.
    Reference,
    /// Limited to 0 to 1 and divided by their sum; outside the foreground box the background has 1.
    Normalized,
}

/// Folders for label maps, and for probabilities where they are asked for.
#[derive(Debug)]
pub struct Targets {
    output: PathBuf,
    labels: PathBuf,
    probabilities: Option<(PathBuf, ProbabilityMaps)>,
}

impl Targets {
    /// Creates the folders: label maps go to `output`, or with probabilities to `discrete/` and `probabilities/` in it.
    pub fn create(output: &Path, probabilities: Option<ProbabilityMaps>) -> Result<Self> {
        let targets = Self {
            output: output.to_owned(),
            labels: probabilities.map_or_else(|| output.to_owned(), |_| output.join("discrete")),
            probabilities: probabilities.map(|maps| (output.join("probabilities"), maps)),
        };
        create_folder(&targets.labels)?;
        targets.probabilities.iter().try_for_each(|(folder, _)| create_folder(folder))?;
        Ok(targets)
    }

    /// Refuses to write a result over a scan.
    pub fn spare_scans(&self, cases: &[Case]) -> Result<()> {
        let scans = || cases.iter().flat_map(|case| &case.images);
        let mut results = cases.iter().map(|case| self.labels(&case.id));
        match results.find(|result| result.exists() && scans().any(|scan| is_same_file(scan, result))) {
            None => Ok(()),
            Some(result) => Err(Error::usage("the prediction would replace the scan")
                .at(&result)
                .hint("give another folder with --output")),
        }
    }

    /// The folder that holds everything.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// The label map of a case.
    pub fn labels(&self, id: &str) -> PathBuf {
        self.labels.join(format!("{id}.nii.gz"))
    }

    /// The probabilities of a case and what they are like, where they are asked for.
    pub fn probabilities(&self, id: &str) -> Option<(PathBuf, ProbabilityMaps)> {
        self.probabilities.as_ref().map(|(folder, maps)| (folder.join(format!("{id}.nii.gz")), *maps))
    }

    /// What probabilities are asked for.
    pub fn maps(&self) -> Option<ProbabilityMaps> {
        self.probabilities.as_ref().map(|(_, maps)| *maps)
    }

    /// The report of a run, or of the part of it that this process does.
    pub fn report(&self, shard: Option<Shard>) -> PathBuf {
        match shard {
            None => self.output.join("predict_report.json"),
            Some(Shard { number, count }) => self.output.join(format!("predict_report_{number}_of_{count}.json")),
        }
    }

    /// Whether everything that is written for a case is there.
    pub fn are_there(&self, id: &str) -> bool {
        self.labels(id).is_file() && self.probabilities(id).is_none_or(|(file, _)| file.is_file())
    }

    /// Removes what an earlier run wrote for a case that fails now.
    pub fn remove(&self, id: &str) -> Result<()> {
        remove_file(&self.labels(id))?;
        self.probabilities(id).map_or(Ok(()), |(file, _)| remove_file(&file))
    }
}
