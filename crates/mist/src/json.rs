//! JSON as the files of a run spell it: tolerant reading, exact writing, and checked access to keys.

mod section;
mod writer;

pub use section::{Document, Field, Section};
pub use writer::to_text;

use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// Settings and descriptions are a few kilobytes; a file beyond this is something else.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads a file. The bare tokens `NaN`, `Infinity` and `-Infinity`, which Python programs may write, read as null.
/// Errors name the file, line and column.
pub fn read(path: &Path) -> Result<Value> {
    let unreadable = |error: std::io::Error| Error::new("cannot read the file").at(path).because(error);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > LARGEST_FILE {
        return Err(Error::new("the file is too large for a JSON description")
            .at(path)
            .because(format!("{size} bytes")));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| Error::new("the file is not UTF-8 text").at(path).because(error))?;
    parse(text).map_err(|error| {
        Error::new("the file is not valid JSON").at(path).because(error).hint("look just before that line and column")
    })
}

/// As [`read`], from text.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(&without_bare_tokens(text))
}

/// Replaces the number-like words outside strings by null, padded so that lines and columns in errors stay true.
fn without_bare_tokens(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(first) = rest.chars().next() {
        if in_string {
            let length = if first == '\\' {
                first.len_utf8() + rest[1..].chars().next().map_or(0, char::len_utf8)
            } else {
                first.len_utf8()
            };
            in_string = first != '"';
            cleaned.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        if let Some(word) = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| rest.starts_with(word)) {
            cleaned.push_str("null");
            cleaned.extend(std::iter::repeat_n(' ', word.len().saturating_sub(4)));
            rest = &rest[word.len()..];
            continue;
        }
        in_string = first == '"';
        cleaned.push(first);
        rest = &rest[first.len_utf8()..];
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn python_tokens_read_as_null_outside_strings_only() {
        let value = parse(r#"{"a": NaN, "b": [-Infinity, Infinity], "NaN \" NaN": "é NaN \\"}"#).expect("parses");
        assert_eq!(value, json!({"a": null, "b": [null, null], "NaN \" NaN": "é NaN \\"}));
    }

    #[test]
    fn a_broken_file_names_line_and_column() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("broken.json");
        std::fs::write(&path, "{\n  \"a\": Infinity,\n  \"b\": }").expect("written");
        let text = read(&path).expect_err("broken").to_string();
        assert!(text.contains("broken.json") && text.contains("line 3 column 8"), "{text}");
    }
}
