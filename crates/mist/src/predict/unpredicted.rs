//! Why a case has no prediction, and whose fault that is.

use crate::console::Console;
use crate::error::{CaseFailure, Error, Kind, Result};
use mist_volume::nifti::{NiftiError, NiftiProblem};

/// Why a case has no prediction.
pub enum Unpredicted {
    /// Something is wrong with this case; the others can go on.
    Case(Error),
    /// The disk is full or the folder cannot be written: the next case would fail as well.
    Disk(Error),
}

impl From<Error> for Unpredicted {
    fn from(error: Error) -> Self {
        Self::Case(error)
    }
}

/// Tells what the system refuses from what lies in the image.
pub fn written(result: Result<(), NiftiError>) -> Result<(), Unpredicted> {
    result.map_err(|NiftiError { path, problem }| {
        let error = Error::new("cannot write the prediction").at(&path);
        match problem {
            NiftiProblem::System { error: why, .. } => Unpredicted::Disk(error.because(why).hint(
                "check the free space and the permissions of the folder; predictions that are already there are complete",
            )),
            problem => Unpredicted::Case(error.because(problem)),
        }
    })
}

impl Unpredicted {
    /// The failure of the case, reported. A full disk and a stop that the user asked for are no failures of the case.
    pub fn failure_of(self, id: &str, console: &dyn Console) -> Result<CaseFailure> {
        let error = match self {
            Self::Disk(error) => return Err(error),
            Self::Case(error) if error.kind() == Kind::Interrupted => return Err(error.place(format!("case {id}"))),
            Self::Case(error) => error,
        };
        let failure = CaseFailure { id: id.into(), stage: "predicting".into(), file: None, reason: error.to_string() };
        console.error(&failure.to_string());
        Ok(failure)
    }
}
