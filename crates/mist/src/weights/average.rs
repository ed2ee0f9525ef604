//! `average-weights`: the mean of several weight files, as a start for transfer learning.

use super::{check_output, read_finite, write};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::is_same_file;
use crate::interrupt;
use crate::text::plural;
use mist_nn::weights::Average;
use std::path::PathBuf;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Files to average, of networks with the same tensors.
    pub weights: Vec<PathBuf>,
    /// File to write.
    pub output: PathBuf,
    /// Replace it if it exists.
    pub overwrite: bool,
}

/// Writes the mean of the files. Only one of them is in memory at a time, beside the sum.
pub fn run(options: &Options, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let Options { weights, output, overwrite } = options;
    check_output(output, *overwrite)?;
    let mut average = Average::default();
    if let Some(file) = weights.iter().find(|file| is_same_file(file, output)) {
        return Err(Error::usage("the output is one of the files to average").at(file).hint("give it another name"));
    }
    for file in weights {
        if interrupt::requested() {
            return Err(Error::interrupted("stopped on request").hint("start again; nothing was written"));
        }
        average.add(read_finite(file)?).map_err(|error| {
            Error::new("the weights cannot be averaged with those of the first file")
                .at(file)
                .because(error)
                .hint("average the folds of one run")
        })?;
    }
    let mean = average.finish().map_err(|error| Error::usage(error.to_string()))?;
    write(output, &mean)?;
    console.info(&format!(
        "Averaged {} of {} each into {}",
        plural(weights.len(), "file"),
        plural(mean.len(), "tensor"),
        output.display()
    ));
    Ok(Vec::new())
}
