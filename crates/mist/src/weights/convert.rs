//! `weights convert`: the same tensors in the other format.

use super::{check_output, read, write};
use crate::checksum;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::is_same_file;
use crate::model_record::{self, ModelRecord};
use crate::text::plural;
use std::path::{Path, PathBuf};

/// What the user asked for. The names of the files say the formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// File to read.
    pub input: PathBuf,
    /// File to write.
    pub output: PathBuf,
    /// Replace it if it exists.
    pub overwrite: bool,
}

/// Writes the tensors of one file to another, and the record of the one beside the other.
pub fn run(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let Options { input, output, overwrite } = options;
    check_output(output, *overwrite)?;
    if is_same_file(input, output) {
        return Err(Error::usage("both files are the same").at(input).hint("give the output another name"));
    }
    let record = record_of(input)?;
    if record.is_some() {
        check_place_of_record(input, output, *overwrite)?;
    }
    let state = read(input)?;
    write(output, &state)?;
    let carried = if record.is_some() { ", with its record" } else { "" };
    if let Some(record) = record {
        record.carry(output)?;
    }
    for (name, count) in state.not_finite() {
        console.warn(&format!("{count} values of {name} are not finite; a network with them predicts nothing"));
    }
    console.info(&format!("Wrote {} to {}{carried}", plural(state.len(), "tensor"), output.display()));
    Ok(Vec::new())
}

/// What is recorded of a file. A JSON file beside it that is no record, or one of other weights, is none.
fn record_of(input: &Path) -> Result<Option<ModelRecord>> {
    let Ok(Some(record)) = model_record::read(input) else { return Ok(None) };
    let sha256 = checksum::sha256(input)?;
    Ok(Some(record).filter(|record| record.describes(&sha256)))
}

/// Fails where the record would replace a file that is none, or one that must not be replaced.
fn check_place_of_record(input: &Path, output: &Path, overwrite: bool) -> Result<()> {
    let place = model_record::file(output);
    if !place.exists() || is_same_file(&model_record::file(input), &place) {
        return Ok(());
    }
    let taken = Error::new("the record of the weights would replace a file").at(&place);
    match model_record::read(output) {
        Err(_) => Err(taken.because("that is no record").hint("give the output another name")),
        Ok(_) if !overwrite => Err(taken.hint("give --overwrite to replace it")),
        Ok(_) => Ok(()),
    }
}
