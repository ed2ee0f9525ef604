use crate::error::CaseFailure;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Why a case cannot be converted.
pub struct Problem {
    stage: &'static str,
    file: Option<PathBuf>,
    reason: String,
}

impl Problem {
    pub fn new(stage: &'static str, file: &Path, reason: impl Display) -> Self {
        Self { stage, file: Some(file.to_owned()), reason: reason.to_string() }
    }

    /// The failure of the case `id`.
    pub fn of_case(self, id: &str) -> CaseFailure {
        CaseFailure { id: id.to_owned(), stage: self.stage.to_owned(), file: self.file, reason: self.reason }
    }
}

/// From making, filling or renaming the folder of a case.
impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self { stage: "writing", file: None, reason: error.to_string() }
    }
}
