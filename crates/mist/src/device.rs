//! Which device the user asked for, and which there is.

use crate::console::Console;
use crate::error::{Error, Result};

/// Checks a device name: `cpu`, `cuda` or the number of a GPU. This build computes on the CPU; a GPU that is asked for is
/// replaced by it with a warning, as in the reference.
pub fn resolve(name: &str, console: &dyn Console) -> Result<()> {
    match name {
        "cpu" => Ok(()),
        _ if name == "cuda" || name.parse::<u32>().is_ok() => {
            console.warn(&format!("no GPU is available for `--device {name}`; computing on the CPU"));
            Ok(())
        }
        _ => Err(Error::usage(format!("Invalid device specification: {name}"))
            .hint("use `cpu`, `cuda` or the number of a GPU")),
    }
}
