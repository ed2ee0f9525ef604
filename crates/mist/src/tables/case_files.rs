//! Files that are named after cases.

use crate::text::python_float;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Finds files named after cases, also where the reference wrote them: it reads ids made of digits as numbers, so the
/// files of case `001` are named `1`, and those of `1.10` are named `1.1`.
#[derive(Clone, Debug)]
pub struct CaseFiles {
    ids: HashSet<String>,
}

impl CaseFiles {
    /// For a table with these ids. All must be known, so that `01` never gets the files of a case `1`.
    pub fn new(ids: impl IntoIterator<Item = String>) -> Self {
        Self { ids: ids.into_iter().collect() }
    }

    /// `<folder>/<id><suffix>`, or the same under the number's spelling when only that exists.
    pub fn find(&self, folder: &Path, id: &str, suffix: &str) -> PathBuf {
        let exact = folder.join(format!("{id}{suffix}"));
        if exact.exists() {
            return exact;
        }
        let free = |spelling: &String| !self.ids.contains(spelling);
        let other = as_number(id).into_iter().filter(free).map(|name| folder.join(format!("{name}{suffix}")));
        other.into_iter().find(|path| path.exists()).unwrap_or(exact)
    }
}

/// The spellings that a number gets when it is read and written again; none for other text.
fn as_number(id: &str) -> Vec<String> {
    let digits_and_point = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !digits_and_point {
        return Vec::new();
    }
    let mut spellings = Vec::new();
    if let Ok(whole) = id.parse::<i64>() {
        spellings.push(whole.to_string());
    }
    if let Ok(number) = id.parse::<f64>() {
        // A column that holds one fraction makes numbers with a fraction of all its ids.
        spellings.push(python_float(number));
    }
    spellings
}
