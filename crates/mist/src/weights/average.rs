//! `average-weights`: the mean of several weight files, as a start for transfer learning.

use super::origin::Origin;
use super::{check_output, read, read_finite, write};
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::files::is_same_file;
use crate::interrupt;
use crate::text::plural;
use mist_nn::Registry;
use mist_nn::weights::{Average, Mismatch, WeightsError};
use std::path::{Path, PathBuf};

/// As many names of tensors as an error shows.
const SHOWN: usize = 4;

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
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let Options { weights, output, overwrite } = options;
    check_output(output, *overwrite)?;
    let mut average = Average::default();
    if let Some(file) = weights.iter().find(|file| is_same_file(file, output)) {
        return Err(Error::usage("the output is one of the files to average").at(file).hint("give it another name"));
    }
    let twice = (1..).zip(weights).find(|(next, file)| weights[*next..].iter().any(|other| is_same_file(file, other)));
    if let Some((_, file)) = twice {
        return Err(Error::usage("a file is given twice").at(file).hint("name each file once"));
    }
    for file in weights {
        if interrupt::requested() {
            return Err(Error::interrupted("stopped on request").hint("start again; nothing was written"));
        }
        match (average.add(read_finite(file)?), weights.first()) {
            (Ok(()), _) => {}
            (Err(WeightsError::Mismatch(mismatch)), Some(first)) => {
                return Err(of_different_networks(first, file, &mismatch, registry));
            }
            (Err(error), _) => return Err(Error::new("the weights cannot be averaged").at(file).because(error)),
        }
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

fn of_different_networks(first: &Path, second: &Path, mismatch: &Mismatch, registry: &Registry) -> Error {
    let Mismatch { missing, unexpected, misshapen } = mismatch;
    let names = missing.iter().map(|name| format!("{name} (only in the first)"));
    let names = names.chain(unexpected.iter().map(|name| format!("{name} (only in the second)")));
    let shapes = misshapen.iter().map(|wrong| format!("{} ({:?}, {:?})", wrong.name, wrong.expected, wrong.found));
    let mut names: Vec<String> = names.chain(shapes).collect();
    let count = names.len();
    names.truncate(SHOWN);
    let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
    let which = format!("{} and {}", first.display(), second.display());
    // Both could be read a moment ago.
    let origins = [first, second].map(|file| read(file).map_or(Origin::Unknown, |state| Origin::of(&state, registry)));
    let origins = match origins {
        [one, other] if one == other => String::new(),
        [one, other] => format!("first file: {one}; second: {other}; "),
    };
    Error::new("weights of different networks cannot be averaged")
        .place(which)
        .because(format!("{origins}they differ in {}: {}{more}", plural(count, "tensor"), names.join(", ")))
        .hint("average files of one network, such as the folds of one run")
}
