//! The files of all cases, checked before any work.

use super::discovery::{FoundCase, Pattern, find_cases};
use super::verification::{Check, Checks, Row};
use super::verify::check_headers;
use crate::console::Console;
use crate::dataset::Dataset;
use crate::error::{CaseFailure, Error, Result};
use crate::parallel;
use crate::preprocess::problem::Problem;
use crate::text::plural;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Name under which the mask is spoken of.
const MASK: &str = "mask";

/// A case whose files are there and lie on the same voxels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableCase {
    /// Case id.
    pub id: String,
    /// Image files in channel order.
    pub images: Vec<PathBuf>,
    /// Mask file; only training cases have one.
    pub mask: Option<PathBuf>,
}

/// All cases of a data set.
pub struct Inputs {
    /// Usable training cases, sorted by id.
    pub training: Vec<UsableCase>,
    /// Usable test cases, sorted by id, where the data set has test data.
    pub test: Option<Vec<UsableCase>>,
    /// Cases that cannot be used.
    pub failures: Vec<CaseFailure>,
    /// What was checked so far.
    pub checks: Vec<Row>,
}

impl Inputs {
    /// Finds the files of all cases and checks their headers. Fails when a folder is missing or holds no case.
    pub fn check(dataset: &Dataset, workers: usize, console: &dyn Console) -> Result<Self> {
        let images: Vec<Pattern> =
            dataset.images.iter().map(|(name, parts)| Pattern { name: name.clone(), parts: parts.clone() }).collect();
        let mask = Pattern { name: MASK.to_string(), parts: dataset.mask.clone() };
        let with_mask: Vec<Pattern> = images.iter().cloned().chain([mask]).collect();

        let mut failures = Vec::new();
        let mut rows = Vec::new();
        let mut usable = |folder: &Path, patterns: &[Pattern], test: bool| -> Result<Vec<UsableCase>> {
            let found = find(folder, patterns, console)?;
            let checked = parallel::map(&found, workers, |case| {
                let mut checks = Checks::default();
                Ok((check(case, patterns, &mut checks), checks))
            })?;
            let mut cases = Vec::new();
            for (case, (result, checks)) in found.into_iter().zip(checked) {
                rows.extend(checks.rows(&case.id).map(|row| Row { test, ..row }));
                match result {
                    Ok(files) => cases.push(files),
                    Err(problem) => failures.push(problem.of_case(&case.id)),
                }
            }
            Ok(cases)
        };
        let training = usable(&dataset.train_data, &with_mask, false)?;
        let test = dataset.test_data.as_ref().map(|folder| usable(folder, &images, true)).transpose()?;
        for failure in &failures {
            console.error(&failure.to_string());
        }
        let known: HashSet<&str> = training.iter().map(|case| case.id.as_str()).collect();
        let both: Vec<&str> =
            test.iter().flatten().map(|case| case.id.as_str()).filter(|id| known.contains(id)).collect();
        if let [first, ..] = &both[..] {
            let count = plural(both.len(), "test case");
            console.warn(&format!(
                "{count} with the id of a training case, such as {first}: of a patient who is trained on, predictions \
                 look better than they are"
            ));
        }
        Ok(Self { training, test, failures, checks: rows })
    }
}

fn find(folder: &Path, patterns: &[Pattern], console: &dyn Console) -> Result<Vec<FoundCase>> {
    let (cases, strays) = find_cases(folder, patterns)?;
    if cases.is_empty() {
        return Err(Error::new("the folder holds no case").at(folder).hint("each case is a folder with its images"));
    }
    if let [first, ..] = &strays[..] {
        console.warn(&format!(
            "not taken for cases: {} beside the case folders, such as {}",
            plural(strays.len(), "file"),
            first.display()
        ));
    }
    for (position, pattern) in patterns.iter().enumerate() {
        let of_pattern = cases.iter().filter_map(|case| case.matches.as_ref().ok()?.get(position));
        let ambiguous = of_pattern.filter_map(|files| match files.as_slice() {
            [first, second, ..] => Some((first, second)),
            _ => None,
        });
        if let Some((first, second)) = ambiguous.clone().next() {
            console.warn(&format!(
                "several files match {:?} ({}) in {} cases; the first by name is used, such as {} and not {}",
                pattern.parts,
                pattern.name,
                ambiguous.count(),
                first.display(),
                second.display(),
            ));
        }
    }
    Ok(cases)
}

fn check(case: &FoundCase, patterns: &[Pattern], checks: &mut Checks) -> Result<UsableCase, Problem> {
    let files = files_of(case, patterns);
    let usable = checks.note(Check::Files, files, |_| plural(patterns.len(), "file"))?;
    let grid = check_headers(&usable.images, usable.mask.as_deref());
    checks.note(Check::Grid, grid, |grid| {
        let ([nx, ny, nz], [x, y, z]) = (grid.size, grid.spacing);
        format!("{nx} x {ny} x {nz} voxels of {x:.4} x {y:.4} x {z:.4} mm")
    })?;
    Ok(usable)
}

fn files_of(case: &FoundCase, patterns: &[Pattern]) -> Result<UsableCase, Problem> {
    let mut images: Vec<PathBuf> = Vec::new();
    let mut mask = None;
    let failed = |reason: &String| Problem::with_file("looking for its files in", &case.folder, reason);
    for (pattern, matches) in patterns.iter().zip(case.matches.as_ref().map_err(failed)?) {
        let Some(file) = matches.first() else {
            let reason = format!("no file name contains any of {:?} ({})", pattern.parts, pattern.name);
            return Err(Problem::with_file("looking for its files in", &case.folder, reason));
        };
        if images.contains(file) {
            let reason = format!("it matches {:?} ({}) and another image", pattern.parts, pattern.name);
            return Err(Problem::with_file("looking at", file, reason));
        }
        if pattern.name == MASK {
            mask = Some(file.clone());
        } else {
            images.push(file.clone());
        }
    }
    Ok(UsableCase { id: case.id.clone(), images, mask })
}
