//! Flags of the reference whose feature comes in a later version: known, so that a command line written for the
//! reference gets a clear answer instead of "unexpected argument".

use mist::{Error, Result};

/// Refuses the command line if any of the flags was used.
pub(crate) fn refuse(flags: &[(&str, bool)]) -> Result<()> {
    match flags.iter().find(|(_, used)| *used) {
        Some((flag, _)) => Err(Error::usage(format!("{flag} is not available in this version"))
            .hint("leave the flag out; CHANGELOG.md says what each version brings")),
        None => Ok(()),
    }
}
