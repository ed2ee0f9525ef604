//! The work that is the same for every source: its cases become folders, one after the other.

use super::description::{TEST_FOLDER, TRAIN_FOLDER};
use super::problem::Problem;
use super::target::Target;
use super::{case_folder, image_file};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::create_folder;
use crate::parallel;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Cases with masks.
    Training,
    /// Cases without.
    Test,
}

/// A case of a source.
pub trait Case: Sync {
    /// What is known of its files once they are checked.
    type Checked;
    /// Its id.
    fn id(&self) -> &str;
    /// Its files, as far as they are there.
    fn files(&self) -> Vec<PathBuf>;
    /// Looks at its files, so that broken scans are known now and not in training.
    fn check(&self) -> Result<Self::Checked, Problem>;
    /// Writes its files into its folder.
    fn write(&self, checked: &Self::Checked, folder: &Path) -> Result<(), Problem>;
}

/// The cases of a split.
pub struct Cases<C> {
    /// Those to convert.
    pub ready: Vec<C>,
    /// Those that the source itself shows to be incomplete.
    pub left_out: Vec<CaseFailure>,
}

impl<C> Default for Cases<C> {
    fn default() -> Self {
        Self { ready: Vec::new(), left_out: Vec::new() }
    }
}

/// What a conversion has made.
#[derive(Debug, PartialEq, Eq)]
pub struct Converted {
    /// Number of training cases.
    pub training: usize,
    /// Number of test cases.
    pub test: usize,
    /// Cases left out.
    pub failures: Vec<CaseFailure>,
}

/// Converts the cases of both splits. `source` is what the user calls the data set. Fails in the end when no training
/// case could be converted.
pub fn convert<C: Case>(
    target: &Target,
    source: &Path,
    training: Cases<C>,
    test: Cases<C>,
    console: &dyn Console,
) -> Result<Converted> {
    for failure in training.left_out.iter().chain(&test.left_out) {
        console.error(&failure.to_string());
    }
    let mut failures = training.left_out;
    refuse_converted_files(target, training.ready.iter().chain(&test.ready))?;
    if training.ready.is_empty() {
        return Err(no_training_case(source, &failures));
    }
    create_folder(&target.output)?;
    image_file::try_link(target.link, training.ready.iter().flat_map(Case::files).next().as_deref(), &target.output)?;

    failures.extend(convert_split(target, Split::Training, &training.ready, console)?);
    let converted = |cases: &[C], failures: &[CaseFailure]| {
        let failed: HashSet<&str> = failures.iter().map(|failure| failure.id.as_str()).collect();
        cases.iter().filter(|case| !failed.contains(case.id())).count()
    };
    let training = converted(&training.ready, &failures);
    if training == 0 {
        return Err(no_training_case(source, &failures));
    }
    let failed = convert_split(target, Split::Test, &test.ready, console)?;
    let converted = Converted { training, test: converted(&test.ready, &failed), failures: Vec::new() };
    failures.extend(test.left_out);
    failures.extend(failed);
    Ok(Converted { failures, ..converted })
}

/// A file that a case folder replaces cannot be its source: it would be gone.
fn refuse_converted_files<'a, C: Case + 'a>(target: &Target, cases: impl Iterator<Item = &'a C>) -> Result<()> {
    let Ok(output) = target.output.canonicalize() else { return Ok(()) };
    let folders = [TRAIN_FOLDER, TEST_FOLDER].map(|folder| output.join(folder));
    for file in cases.flat_map(Case::files) {
        if file.canonicalize().is_ok_and(|file| folders.iter().any(|folder| file.starts_with(folder))) {
            return Err(Error::usage("a source file lies where the converted cases are written")
                .at(&file)
                .hint("give another --output"));
        }
    }
    Ok(())
}

fn convert_split<C: Case>(
    target: &Target,
    split: Split,
    cases: &[C],
    console: &dyn Console,
) -> Result<Vec<CaseFailure>> {
    let (folder, title) = match split {
        Split::Training => (TRAIN_FOLDER, "Converting training cases"),
        Split::Test => (TEST_FOLDER, "Converting test cases"),
    };
    let folder = target.output.join(folder);
    if cases.is_empty() {
        return if folder.is_dir() {
            warn_of_strangers(&folder, cases, console).map(|()| Vec::new())
        } else {
            Ok(Vec::new())
        };
    }
    create_folder(&folder)?;
    case_folder::recover(&folder).map_err(|error| {
        Error::new("cannot clear away what an interrupted conversion left").at(&folder).because(error)
    })?;
    warn_of_strangers(&folder, cases, console)?;
    let bar = console.bar(title, cases.len() as u64);
    let results = parallel::map(cases, target.workers, |case| {
        let result = case.check().and_then(|checked| {
            case_folder::create_complete(&folder, case.id(), |staged| case.write(&checked, staged))
        });
        bar.advance(1);
        Ok(result.map_err(|problem| problem.of_case(case.id())))
    })?;
    drop(bar);
    let failed = results.into_iter().filter_map(Result::err);
    let failed: Vec<CaseFailure> = failed.inspect(|failure| console.error(&failure.to_string())).collect();
    for failure in &failed {
        let earlier = folder.join(&failure.id);
        if earlier.exists() {
            console.warn(&format!(
                "{} is of an earlier conversion and will be used; remove it if it should not",
                earlier.display()
            ));
        }
    }
    Ok(failed)
}

/// Folders of an earlier conversion that are not part of this data set would be trained on all the same.
fn warn_of_strangers<C: Case>(folder: &Path, cases: &[C], console: &dyn Console) -> Result<()> {
    let failed = |error| Error::new("cannot list the folder").at(folder).because(error);
    let ids: HashSet<&str> = cases.iter().map(Case::id).collect();
    let mut strangers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !ids.contains(name.as_str()) {
            strangers.push(name);
        }
    }
    if let Some(first) = strangers.iter().min() {
        let (count, folder) = (strangers.len(), folder.display());
        console
            .warn(&format!("{folder} holds {count} other cases, such as {first}; remove what does not belong there"));
    }
    Ok(())
}

fn no_training_case(source: &Path, failures: &[CaseFailure]) -> Error {
    let first = failures.first().map(CaseFailure::to_string).unwrap_or_default();
    let count = failures.iter().map(|failure| &failure.id).collect::<HashSet<_>>().len();
    let cases = if count == 1 { "1 case".to_owned() } else { format!("{count} cases") };
    let why = format!("{cases} failed; the first: {first}");
    Error::new("no training case could be converted").at(source).because(why)
}
