//! `convert-msd`: data sets in the layout of the Medical Segmentation Decathlon.

mod case;
mod source;

use super::case_folder;
use super::description::{Description, TEST_FOLDER, TRAIN_FOLDER, modality_of};
use crate::config::Modality;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{check_no_file_in_the_way, create_folder, write_atomically};
use crate::{json, parallel};
use case::Split;
use source::Source;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Folder with `dataset.json`, `imagesTr`, `labelsTr` and perhaps `imagesTs`.
    pub source: PathBuf,
    /// Folder for the converted data set; created.
    pub output: PathBuf,
    /// Cases in work at once.
    pub workers: usize,
    /// Allow an output folder that is not empty; cases of the same id are replaced.
    pub overwrite: bool,
}

/// Converts a data set. Returns the cases left out.
///
/// Fails as a whole, before anything is written, when the source or its description is wrong or the output folder is
/// not empty and may not be used; and in the end when no training case could be converted.
pub fn run(options: &Options, _registry: &mist_nn::Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    convert(options, console).map_err(|error| {
        error.if_interrupted("start again with --overwrite: the case folders are complete, and all are made anew")
    })
}

fn convert(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    console.section("Converting the data set");
    let source = Source::load(&options.source)?;
    check_output(options)?;
    for remark in &source.remarks {
        console.warn(remark);
    }
    create_folder(&options.output)?;

    let mut failures = Vec::new();
    let training = convert_split(options, &source, Split::Training, &mut failures, console)?;
    if training == 0 {
        return Err(no_training_case(&options.source, &failures));
    }
    let test = convert_split(options, &source, Split::Test, &mut failures, console)?;
    write_description(options, &source, test > 0, console)?;
    console.success(&format!("converted {training} training and {test} test cases"));
    Ok(failures)
}

fn check_output(options: &Options) -> Result<()> {
    let output = &options.output;
    if let (Ok(output), Ok(source)) = (output.canonicalize(), options.source.canonicalize())
        && output == source
    {
        return Err(Error::usage("the output folder is the source folder").at(output).hint("give another --output"));
    }
    check_no_file_in_the_way(output)?;
    let entries = match std::fs::read_dir(output) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::new("cannot use the output folder").at(output).because(error)),
    };
    if options.overwrite || entries.count() == 0 {
        return Ok(());
    }
    Err(Error::new("the output folder is not empty")
        .at(output)
        .hint("give an empty one, or add --overwrite to replace cases of the same id"))
}

/// Converts the cases of a split and returns how many succeeded.
fn convert_split(
    options: &Options,
    source: &Source,
    split: Split,
    failures: &mut Vec<CaseFailure>,
    console: &dyn Console,
) -> Result<usize> {
    let (ids, folder, title) = match split {
        Split::Training => (&source.training, TRAIN_FOLDER, "Converting training cases"),
        Split::Test => (&source.test, TEST_FOLDER, "Converting test cases"),
    };
    if ids.is_empty() {
        return Ok(0);
    }
    let folder = options.output.join(folder);
    create_folder(&folder)?;
    case_folder::recover(&folder).map_err(|error| {
        Error::new("cannot clear away what an interrupted conversion left").at(&folder).because(error)
    })?;
    warn_of_strangers(&folder, ids, console)?;
    let bar = console.bar(title, ids.len() as u64);
    let results = parallel::map(ids, options.workers, |id| {
        let result = case::check(source, split, id)
            .and_then(|files| case_folder::create_complete(&folder, id, |target| case::write(source, &files, target)));
        bar.advance(1);
        Ok(result.map_err(|problem| problem.of_case(id)))
    })?;
    drop(bar);
    let failed = results.into_iter().filter_map(Result::err).inspect(|failure| console.error(&failure.to_string()));
    let before = failures.len();
    failures.extend(failed);
    Ok(ids.len() - (failures.len() - before))
}

/// Folders of an earlier conversion that are not part of this data set would be trained on all the same.
fn warn_of_strangers(folder: &Path, ids: &[String], console: &dyn Console) -> Result<()> {
    let failed = |error| Error::new("cannot list the folder").at(folder).because(error);
    let mut strangers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !ids.contains(&name) {
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

fn write_description(options: &Options, source: &Source, has_test: bool, console: &dyn Console) -> Result<()> {
    let channels: Vec<&str> = source.channels.iter().map(|channel| channel.name.as_str()).collect();
    let modality = modality_of(channels.iter().copied());
    let description = Description {
        task: &source.name,
        modality,
        has_test,
        channels,
        labels: &source.labels,
        classes: &source.classes,
    };
    let text = json::to_text(&description.to_value());
    let path = options.output.join("dataset.json");
    write_atomically(&path, text.as_bytes())?;
    console.info(&text);
    let origin = match modality {
        Modality::Other => "no channel is named after CT or an MR sequence",
        _ => "from the names of the channels",
    };
    console.info(&format!("modality \"{}\": {origin}; check {} before you go on", modality.as_str(), path.display()));
    Ok(())
}

fn no_training_case(source: &Path, failures: &[CaseFailure]) -> Error {
    let first = failures.first().map(CaseFailure::to_string).unwrap_or_default();
    let why = format!("{} cases failed; the first: {first}", failures.len());
    Error::new("no training case could be converted").at(source).because(why)
}

#[cfg(test)]
mod tests;
