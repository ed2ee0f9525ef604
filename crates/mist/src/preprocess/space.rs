//! Whether the arrays fit onto the disk, asked before any of them is written.

use crate::error::{Error, Result};
use crate::memory::readable;
use std::path::Path;

/// Refuses to begin where `needed` bytes more than now are more than `free`. `free` is nothing where the system does not tell.
pub fn check(folder: &Path, needed: f64, free: Option<u64>) -> Result<()> {
    match free.map(|bytes| bytes as f64).filter(|free| *free < needed) {
        None => Ok(()),
        Some(free) => Err(Error::new("there is too little space for the arrays")
            .at(folder)
            .because(format!("they take about {}, and {} are free there", readable(needed), readable(free)))
            .hint("make room, or choose a folder on another disk with --numpy")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_must_fit() {
        let check = |free| check(Path::new("/data/numpy"), 5e9, free);
        assert!(check(None).is_ok() && check(Some(5_000_000_000)).is_ok());
        insta::assert_snapshot!(check(Some(1_200_000_000)).unwrap_err().to_string(), @"there is too little space for the arrays (/data/numpy): they take about 5.0 GB, and 1.2 GB are free there");
    }
}
