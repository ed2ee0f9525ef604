//! Why a case cannot be used.

use crate::error::CaseFailure;
use std::fmt;
use std::path::{Path, PathBuf};

/// What went wrong with one case, before its id is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was being done, as a gerund.
    pub stage: &'static str,
    /// The file concerned, where one is.
    pub file: Option<PathBuf>,
    /// Why.
    pub reason: String,
}

impl Problem {
    /// A problem with the case as a whole.
    pub fn new(stage: &'static str, reason: impl fmt::Display) -> Self {
        Self { stage, file: None, reason: reason.to_string() }
    }

    /// A problem with one file.
    pub fn with_file(stage: &'static str, file: &Path, reason: impl fmt::Display) -> Self {
        Self { stage, file: Some(file.to_path_buf()), reason: reason.to_string() }
    }

    /// The failure of the case `id`.
    pub fn of_case(self, id: &str) -> CaseFailure {
        CaseFailure { id: id.to_string(), stage: self.stage.to_string(), file: self.file, reason: self.reason }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed while {}", self.stage)?;
        if let Some(file) = &self.file {
            write!(f, " {}", file.display())?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for Problem {}
