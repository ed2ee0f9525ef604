//! `weights convert`: the same tensors in the other format.

use super::{check_output, read, write};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::is_same_file;
use crate::text::plural;
use std::path::PathBuf;

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

/// Writes the tensors of one file to another.
pub fn run(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let Options { input, output, overwrite } = options;
    check_output(output, *overwrite)?;
    if is_same_file(input, output) {
        return Err(Error::usage("both files are the same").at(input).hint("give the output another name"));
    }
    let state = read(input)?;
    write(output, &state)?;
    for (name, count) in state.not_finite() {
        console.warn(&format!("{count} values of {name} are not finite; a network with them predicts nothing"));
    }
    console.info(&format!("Wrote {} to {}", plural(state.len(), "tensor"), output.display()));
    Ok(Vec::new())
}
