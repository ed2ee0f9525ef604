//! What the reference made of known inputs, for tests: the files below `tests/golden`.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file or folder.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name)
}

/// A JSON file.
pub fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
}
