//! `--verify` for test cases. They take no part in the plan, so one that fails only leaves the table of test cases.

use super::inputs::UsableCase;
use super::scan::scan_images;
use super::verification::{Checks, Row};
use crate::console::Console;
use crate::error::{CaseFailure, Result};
use crate::parallel;

/// Reads every voxel of every case. Those that cannot be used are added to `failures`, and how the checks came out to `rows`;
/// the others are returned.
pub fn verify(
    cases: Vec<UsableCase>,
    workers: usize,
    failures: &mut Vec<CaseFailure>,
    rows: &mut Vec<Row>,
    console: &dyn Console,
) -> Result<Vec<UsableCase>> {
    let bar = console.bar("Reading the test scans", cases.len() as u64);
    let results = parallel::map(&cases, workers, |case| {
        let mut checks = Checks::default();
        let result = scan_images(&case.images, &mut checks);
        bar.advance(1);
        Ok((result, checks))
    })?;
    drop(bar);
    let mut usable = Vec::new();
    for (case, (result, checks)) in cases.into_iter().zip(results) {
        rows.extend(checks.rows(&case.id).map(|row| Row { test: true, ..row }));
        match result {
            Ok(doubt) => {
                doubt.iter().for_each(|doubt| console.warn(&format!("test case {}: {doubt}", case.id)));
                usable.push(case);
            }
            Err(problem) => {
                let failure = problem.of_case(&case.id);
                console.error(&failure.to_string());
                failures.push(failure);
            }
        }
    }
    Ok(usable)
}
