//! The report of `--verify`: what was checked of each case and what came out, as `verification.csv` and as a short table.

use crate::console::Console;
use crate::error;
use crate::preprocess::problem::Problem;
use crate::tables::write_csv;
use std::path::Path;

/// What is checked of a case, in this order. A case that fails is not looked at further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Each channel and the mask have a file.
    Files,
    /// Headers can be read, images are 3-D, and all lie on the same voxels.
    Grid,
    /// Every voxel can be read and is a finite number.
    Voxels,
    /// The mask holds labels only.
    Labels,
    /// The mask holds a label besides the background.
    Foreground,
    /// The axes lie along those of the patient.
    Orientation,
    /// The voxels measure about what those of the other training cases do.
    Spacing,
}

impl Check {
    const ALL: [Self; 7] =
        [Self::Files, Self::Grid, Self::Voxels, Self::Labels, Self::Foreground, Self::Orientation, Self::Spacing];

    /// The word in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Grid => "grid",
            Self::Voxels => "voxels",
            Self::Labels => "labels",
            Self::Foreground => "foreground",
            Self::Orientation => "orientation",
            Self::Spacing => "spacing",
        }
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// The case is used, but a person should look at it.
    Warning,
    /// The case is left out.
    Failed,
}

impl Verdict {
    /// The word in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One check of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Case id.
    pub case: String,
    /// What was checked.
    pub check: Check,
    /// What was found.
    pub values: String,
    /// How it came out.
    pub verdict: Verdict,
    /// Whether it is a test case, which may have the id of a training case.
    pub test: bool,
}

impl Row {
    /// What comes out once all training cases are known.
    pub fn of_spacing(case: &str, values: String, verdict: Verdict) -> Self {
        Self { case: case.to_owned(), check: Check::Spacing, values, verdict, test: false }
    }
}

/// The checks of one case, while it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks(Vec<(Check, String, Verdict)>);

impl Checks {
    /// Notes how a check came out, and hands the result on; `values` says what was found where it passed.
    pub fn note<T>(
        &mut self,
        check: Check,
        result: Result<T, Problem>,
        values: impl FnOnce(&T) -> String,
    ) -> Result<T, Problem> {
        match &result {
            Ok(found) => self.0.push((check, values(found), Verdict::Passed)),
            Err(problem) => self.0.push((check, problem.to_string(), Verdict::Failed)),
        }
        result
    }

    /// Notes something that a person should look at, or that there is nothing of the kind.
    pub fn note_doubt(&mut self, check: Check, doubt: Option<&str>, otherwise: impl Into<String>) {
        match doubt {
            Some(doubt) => self.0.push((check, doubt.to_owned(), Verdict::Warning)),
            None => self.0.push((check, otherwise.into(), Verdict::Passed)),
        }
    }

    /// The rows of the case, as one for training.
    pub fn rows(self, case: &str) -> impl Iterator<Item = Row> {
        let row = move |(check, values, verdict)| Row { case: case.to_owned(), check, values, verdict, test: false };
        self.0.into_iter().map(row)
    }
}

/// Replaces `verification.csv`: `case,check,values,verdict`, one row for each check of each case.
pub fn write(path: &Path, rows: &[Row]) -> error::Result<()> {
    let row =
        |row: &Row| [row.case.as_str(), row.check.name(), &row.values, row.verdict.name()].map(str::to_owned).to_vec();
    write_csv(path, &["case", "check", "values", "verdict"], rows.iter().map(row))
}

/// Says how many cases passed each check.
pub fn tell(rows: &[Row], console: &dyn Console) {
    let line = |name: &str, counts: [String; 3]| {
        let [passed, warnings, failed] = counts;
        console.info(&format!("{name:<12}{passed:>8}{warnings:>10}{failed:>8}"));
    };
    line("check", ["passed", "warnings", "failed"].map(str::to_owned));
    for check in Check::ALL {
        let count = |verdict| rows.iter().filter(|row| row.check == check && row.verdict == verdict).count();
        let counts = [Verdict::Passed, Verdict::Warning, Verdict::Failed].map(|verdict| count(verdict).to_string());
        line(check.name(), counts);
    }
}
