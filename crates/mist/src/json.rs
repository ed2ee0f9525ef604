//! JSON as the files of a run spell it: tolerant reading, exact writing, and checked access to keys.

mod findings;
mod parser;
mod places;
mod section;
mod writer;

pub use findings::{Finding, all_problems};
pub use parser::{ParseError, parse, parse_with_places};
#[cfg(test)]
pub use places::pointers;
pub use places::{KeyPath, Place, Places, in_file};
pub use section::{Document, Field, Note, Refusal, Section};
pub use writer::to_text;

use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// Settings and descriptions are a few kilobytes; a file beyond this is something else.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads a file; see [`parse`] for what is accepted. Errors name the file, line and column.
pub fn read(path: &Path) -> Result<Value> {
    parse(&text_of(path)?).map_err(|error| invalid(path, error))
}

/// [`read`], and where each value stands.
pub fn read_with_places(path: &Path) -> Result<(Value, Places)> {
    parse_with_places(&text_of(path)?).map_err(|error| invalid(path, error))
}

fn invalid(path: &Path, error: ParseError) -> Error {
    Error::new("the file is not valid JSON").at(path).because(error)
}

fn text_of(path: &Path) -> Result<String> {
    let unreadable = |error: std::io::Error| Error::new("cannot read the file").at(path).because(error);
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        let error = Error::new("cannot read the file").at(path).because("it is a folder");
        let inside =
            ["dataset.json", "config.json"].map(|name| path.join(name)).into_iter().find(|file| file.is_file());
        return Err(match inside {
            Some(file) => error.hint(format!("did you mean {}?", file.display())),
            None => error.hint("name a JSON file"),
        });
    }
    let size = metadata.len();
    if size > LARGEST_FILE {
        let why = format!("{size} bytes");
        return Err(Error::new("the file is too large to be a JSON description").at(path).because(why));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes)
        .map_err(|error| Error::new("the file is not UTF-8 text").at(path).because(error.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_names_line_and_column() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("broken.json");
        std::fs::write(&path, "{\n  \"a\": Infinity,\n  \"b\": }").expect("written");
        let text = read(&path).expect_err("broken").to_string();
        assert!(text.ends_with("broken.json): a value is missing at line 3, column 8"), "{text}");
    }

    #[test]
    fn a_missing_file_and_a_binary_one_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        assert!(read(&path).expect_err("missing").to_string().starts_with("cannot read the file ("));
        std::fs::write(&path, [0xff, 0x00]).expect("written");
        assert!(read(&path).expect_err("binary").to_string().starts_with("the file is not UTF-8 text ("));
    }
}
