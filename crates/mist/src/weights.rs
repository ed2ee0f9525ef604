//! Work on weight files: averages, other formats, what is in them.

pub mod average;
pub mod convert;
pub mod inspect;
mod origin;

use crate::error::{Error, Result};
use crate::files::{require_folder_of, write_atomically_with};
use mist_nn::weights::{self, Format, StateDict, WeightsError};
use std::path::Path;

/// Reads a weight file in the format that its name tells.
pub fn read(path: &Path) -> Result<StateDict> {
    weights::read_state_dict(path).map_err(|error| {
        let told = Error::new("cannot read the weights").at(path).because(&error);
        match error {
            WeightsError::OtherFormat(found) => {
                let name = Path::new(path.file_name().unwrap_or_default()).with_extension(found.extension());
                told.hint(format!("rename it to {}", name.display()))
            }
            _ => told,
        }
    })
}

/// The same, for work that needs sound weights: all values must be finite numbers.
pub fn read_finite(path: &Path) -> Result<StateDict> {
    let state = read(path)?;
    if let [(name, count), ..] = state.not_finite()[..] {
        return Err(Error::new("the weights hold values that are not finite")
            .at(path)
            .because(format!("{count} in {name}"))
            .hint("`mist weights inspect` lists the tensors; take the weights of another run or epoch"));
    }
    Ok(state)
}

/// Writes a weight file in the format that its name asks for, completely or not at all.
pub fn write(path: &Path, state: &StateDict) -> Result<()> {
    let root = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("archive");
    write_atomically_with(path, |file| {
        let written = match Format::of(path).unwrap_or(Format::PyTorch) {
            Format::PyTorch => weights::write_state_dict(file, root, state),
            Format::Safetensors => weights::write_safetensors(file, state),
        };
        written.map_err(std::io::Error::other)
    })
}

/// Fails where the file exists and must not be replaced, it has no folder, or its name says no format.
fn check_output(path: &Path, overwrite: bool) -> Result<()> {
    if Format::of(path).is_none() {
        return Err(Error::usage("the name of the file to write says no format")
            .at(path)
            .hint("let it end in .pt for PyTorch, or in .safetensors"));
    }
    require_folder_of(path)?;
    match path.exists() && !overwrite {
        true => Err(Error::new("the file exists already").at(path).hint("give --overwrite to replace it")),
        false => Ok(()),
    }
}
