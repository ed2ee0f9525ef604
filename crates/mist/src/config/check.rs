//! `config check`: all that is wrong with a configuration or a description, in the words of the readers that the commands
//! use.

use super::{Choices, Config, DatasetInfo, Training};
use crate::console::Console;
use crate::dataset::Dataset;
use crate::error::{CaseFailure, Error, Result};
use crate::json::{self, Document, Finding, KeyPath, Note, Places, all_problems, in_file};
use crate::text::plural;
use crate::train;
use mist_nn::Registry;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A `config.json` to check.
    pub config: Option<PathBuf>,
    /// A `dataset.json` to check.
    pub dataset: Option<PathBuf>,
}

/// What there is to say of a file.
#[derive(Debug, Default)]
struct Findings {
    /// What a command would refuse.
    problems: Vec<Finding>,
    /// Keys that no command knows.
    warnings: Vec<Finding>,
}

/// Prints every problem and every unknown key of the files, one a line. An error where there is a problem.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let config = options.config.as_ref().map(|path| Ok((path, of_config(path, registry)?)));
    let dataset = options.dataset.as_ref().map(|path| Ok((path, of_dataset(path)?)));
    let checked: Vec<(&PathBuf, Findings)> = [config, dataset].into_iter().flatten().collect::<Result<_>>()?;
    for (path, findings) in &checked {
        list(path, "error", &findings.problems, console);
        list(path, "warning", &findings.warnings, console);
    }
    let problems: usize = checked.iter().map(|(_, findings)| findings.problems.len()).sum();
    if problems > 0 {
        return Err(Error::new(format!("there {}", is_or_are(problems, "problem"))));
    }
    for (path, findings) in &checked {
        let text = match findings.warnings.len() {
            0 => format!("{} is fine", path.display()),
            count => format!("{} can be used; there {}", path.display(), is_or_are(count, "unknown key")),
        };
        console.success(&text);
    }
    Ok(Vec::new())
}

fn is_or_are(count: usize, thing: &str) -> String {
    format!("{} {}", if count == 1 { "is" } else { "are" }, plural(count, thing))
}

/// `file:line:column: error: text`, in the order of the file.
fn list(path: &Path, kind: &str, findings: &[Finding], console: &dyn Console) {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.place);
    for finding in sorted {
        console.info(&format!("{}: {kind}: {}", in_file(path, finding.place), finding.text));
    }
}

fn of_config(path: &Path, registry: &Registry) -> Result<Findings> {
    let choices = Choices::of(registry);
    let (value, places) = json::read_with_places(path)?;
    let sound = |value: &Value| sound_config(path, value);
    let read = |document: &Document, value: &Value| Config::parse(document, value, &choices);
    let (mut problems, read) = all_problems((path, &value, &places), sound, read);
    drop_consequences(&mut problems);
    let (config, notes) = read.unzip();
    if let Some(config) = config.filter(|_| problems.is_empty()) {
        let finding = |(key, error): (KeyPath, Error)| of_key(key, error.without_place(), &places);
        problems = train::obstacles(&config, registry).into_iter().map(finding).collect();
    }
    Ok(Findings { warnings: unknown_keys(notes, &problems), problems })
}

/// The key may be absent, where its section still shows the place.
fn of_key(key: KeyPath, text: String, places: &Places) -> Finding {
    let section = key.steps().first().map(|section| KeyPath::default().key(section));
    let place = places.of(&key).or_else(|| places.of(&section?));
    Finding { path: Some(key), place, text }
}

fn of_dataset(path: &Path) -> Result<Findings> {
    let (value, places) = json::read_with_places(path)?;
    // The folder of the file is there and not empty.
    let sound = json!({
        "task": "", "modality": "other", "train-data": ".", "mask": ["mask"], "images": {"image": ["image"]}, "labels": [0, 1]
    });
    let read = |document: &Document, value: &Value| Dataset::parse(path, document, value);
    let (mut problems, read) = all_problems((path, &value, &places), |_| sound.clone(), read);
    let notes = read.map(|(_, notes)| notes);
    drop_consequences(&mut problems);
    Ok(Findings { warnings: unknown_keys(notes, &problems), problems })
}

fn unknown_keys(notes: Option<Vec<Note>>, problems: &[Finding]) -> Vec<Finding> {
    // `$schema` is how a file names its schema to an editor; a network of one's own may have parameters of its own.
    let is_right = |note: &Note| {
        let pointer = note.path.pointer();
        pointer == "/$schema" || pointer.starts_with("/model/params/") && !note.is_slip
    };
    // The error for a missing key has named the one that stands in its place.
    let is_named = |note: &Note| {
        let named = format!("is `{}` meant to be", note.path);
        problems.iter().any(|problem| problem.text.contains(&named))
    };
    let notes = notes.into_iter().flatten().filter(|note| !is_right(note) && !is_named(note));
    notes.map(|note| Finding { path: Some(note.path), place: note.place, text: note.text }).collect()
}

/// What other keys are measured by.
const BASES: [&str; 6] = [
    "/dataset_info/labels",
    "/dataset_info/images",
    "/training/regions",
    "/training/ignore_label",
    "/training/nfolds",
    "/labels",
];
/// The keys that are measured by these.
const DEPENDENT: [&str; 7] = [
    "/model/params",
    "/training/regions",
    "/training/ignore_label",
    "/training/class_weights",
    "/training/folds",
    "/evaluation",
    "/final_classes",
];

/// Where the labels are wrong, nothing can be said about what is made of labels: the reader has measured it by others.
fn drop_consequences(problems: &mut Vec<Finding>) {
    let pointer = |finding: &Finding| finding.path.as_ref().map(|path| path.pointer().to_owned()).unwrap_or_default();
    let is_base =
        |path: &str| path == "/dataset_info" || path == "/training" || BASES.iter().any(|base| path.starts_with(base));
    let Some(first) = problems.iter().position(|finding| is_base(&pointer(finding))) else { return };
    let mut position = 0;
    problems.retain(|finding| {
        position += 1;
        let path = pointer(finding);
        position <= first + 1 || !DEPENDENT.iter().any(|key| path.starts_with(key))
    });
}

/// A config without mistakes for the data set and the training that this one has, where these are readable.
fn sound_config(path: &Path, value: &Value) -> Value {
    let document = Document::new(path);
    let section = |key: &'static str| document.root(value)?.required(key)?.section();
    let info = section("dataset_info").and_then(|section| DatasetInfo::parse(&section));
    let info = info.unwrap_or_else(|_| DatasetInfo::placeholder());
    let training =
        section("training").and_then(|section| Training::parse(&section, None, &info.labels)).unwrap_or_default();
    let (outputs, _) = training.outputs(info.labels.len());
    let mut config = Config::placeholder(info);
    config.model.params.out_channels = outputs;
    config.to_value().unwrap_or_default()
}
