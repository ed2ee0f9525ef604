//! `convert-msd`: data sets in the layout of the Medical Segmentation Decathlon.

mod case;
mod source;

use super::Target;
use super::description::{Description, Meaning, modality_of};
use super::split::{self, Split};
use crate::config::Modality;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::is_same_file;
use source::Source;
use std::path::PathBuf;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Folder with `dataset.json`, `imagesTr`, `labelsTr` and perhaps `imagesTs`.
    pub source: PathBuf,
    /// Where the data set goes, and how.
    pub target: Target,
}

/// Converts a data set. Returns the cases left out.
///
/// Fails as a whole, before anything is written, when the source or its description is wrong or the output folder is
/// not empty and may not be used; and in the end when no training case could be converted.
pub fn run(options: &Options, _registry: &mist_nn::Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    convert(options, console).map_err(|error| error.if_interrupted(super::AFTER_INTERRUPTION))
}

fn convert(Options { source: folder, target }: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    console.section("Converting the data set");
    let source = Source::load(folder)?;
    if is_same_file(&target.output, folder) {
        return Err(Error::usage("the output folder is the source folder")
            .at(&target.output)
            .hint("give another --output"));
    }
    target.check()?;
    for remark in &source.remarks {
        console.warn(remark);
    }
    let cases = |split| case::cases(&source, split, target.link);
    let converted = split::convert(target, folder, cases(Split::Training), cases(Split::Test), console)?;
    write_description(target, &source, converted.test > 0, console)?;
    console.success(&format!("converted {} training and {} test cases", converted.training, converted.test));
    Ok(converted.failures)
}

fn write_description(target: &Target, source: &Source, has_test: bool, console: &dyn Console) -> Result<()> {
    let channels: Vec<&str> = source.channels.iter().map(|channel| channel.name.as_str()).collect();
    let modality = modality_of(channels.iter().copied());
    let meaning = Meaning { task: &source.name, modality, labels: &source.labels, classes: &source.classes };
    let description = Description { has_test, channels, meaning: Some(meaning) };
    let path = target.write_description(&description.to_value(), console)?;
    let origin = match modality {
        Modality::Other => "no channel is named after CT or an MR sequence",
        _ => "from the names of the channels",
    };
    console.info(&format!("modality \"{}\": {origin}; check {} before you go on", modality.as_str(), path.display()));
    Ok(())
}

#[cfg(test)]
mod tests;
