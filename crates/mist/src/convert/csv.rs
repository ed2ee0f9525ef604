//! `convert-csv`: data sets whose files are listed in tables.
//!
//! ```text
//! id,mask,T1 post,T2                   id,T1 post,T2
//! 001,001/seg.nii.gz,001/a.nii,…       101,/scans/101/a.nii.gz,…
//! ```

mod case;
mod earlier;
mod table;

use super::Target;
use super::description::Description;
use super::split;
use crate::console::Console;
use crate::error::{CaseFailure, Result};
use earlier::Earlier;
use serde_json::Value;
use std::path::{Path, PathBuf};
use table::Table;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Table of the training cases: `id`, `mask`, and one column per channel. A relative path is looked for beside its
    /// table first, then in the working directory.
    pub train_csv: PathBuf,
    /// Table of the test cases: `id`, and the channels of the training table.
    pub test_csv: Option<PathBuf>,
    /// Where the data set goes, and how.
    pub target: Target,
}

/// Converts a data set. Returns the cases left out, those with missing files among them: these are listed, all together,
/// before the first case is converted. What tables do not say is kept from a description that is there.
///
/// Fails as a whole, before anything is written, when a table or an earlier description is wrong, no training case has all its files, or the
/// output folder is not empty and may not be used; and in the end when no training case could be converted.
pub fn run(options: &Options, _registry: &mist_nn::Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    convert(options, console).map_err(|error| error.if_interrupted(super::AFTER_INTERRUPTION))
}

fn convert(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    console.section("Converting the data set");
    let target = &options.target;
    let training = Table::training(&options.train_csv)?;
    let test = options.test_csv.as_ref().map(|path| Table::test(path, &training)).transpose()?;
    target.check()?;
    let earlier = Earlier::read(&target.description())?;
    if let Some(test) = test.as_ref().filter(|test| test.is_empty()) {
        console.warn(&format!("{} lists no case; the description names no test data", test.path().display()));
    }
    let test = test.map(|test| test.cases(target.link)).unwrap_or_default();
    let cases = training.cases(target.link);
    let converted = split::convert(target, training.path(), cases, test, console)?;

    let description = Description { has_test: converted.test > 0, channels: training.channels(), meaning: None };
    let (description, kept) = earlier.carried_over(&description);
    let path = target.write_description(&description, console)?;
    if !kept.is_empty() {
        let kept = kept.join(", ");
        console.warn(&format!("kept from the earlier {}, check whether it still holds: {kept}", path.display()));
    }
    say_what_is_open(&description, &path, console);
    console.success(&format!("converted {} training and {} test cases", converted.training, converted.test));
    Ok(converted.failures)
}

fn say_what_is_open(description: &Value, path: &Path, console: &dyn Console) {
    let open: Vec<String> = OPEN
        .iter()
        .filter(|(key, _)| description[key].is_null())
        .map(|(key, meaning)| format!("\n  {key:<13}  {meaning}"))
        .collect();
    if !open.is_empty() {
        console.info(&format!("before you go on, replace null in {}:{}", path.display(), open.concat()));
    }
}

/// What a table does not say of its images and labels.
const OPEN: [(&str, &str); 4] = [
    ("task", "any name"),
    ("modality", "\"ct\", \"mr\" or \"other\""),
    ("labels", "the values in the masks, such as [0, 1, 2], the background first"),
    ("final_classes", "what to evaluate, such as {\"tumour\": [1, 2]}; null stands for one class per label"),
];

#[cfg(test)]
mod tests;
