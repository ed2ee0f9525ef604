//! The text of a value as Python writes it, so that files of either program do not differ where their contents agree.

use crate::text::python_float;
use serde_json::{Number, Value};
use std::fmt::Write;

/// The text of a value as Python's `json.dump(value, indent=2)` writes it: two spaces, one element per line, everything
/// outside printable ASCII escaped, shortest floats in Python's spelling, no newline at the end.
pub fn to_text(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    text
}

fn write_value(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&spell(number)),
        Value::String(string) => write_string(text, string),
        Value::Array(items) => {
            write_block(text, ('[', ']'), items.iter(), depth, |text, item| write_value(text, item, depth + 1))
        }
        Value::Object(entries) => write_block(text, ('{', '}'), entries.iter(), depth, |text, (key, item)| {
            write_string(text, key);
            text.push_str(": ");
            write_value(text, item, depth + 1);
        }),
    }
}

fn write_block<T>(
    text: &mut String,
    (open, close): (char, char),
    items: impl ExactSizeIterator<Item = T>,
    depth: usize,
    mut write: impl FnMut(&mut String, T),
) {
    text.push(open);
    let empty = items.len() == 0;
    for (position, item) in items.enumerate() {
        text.push_str(if position == 0 { "\n" } else { ",\n" });
        indent(text, depth + 1);
        write(text, item);
    }
    if !empty {
        text.push('\n');
        indent(text, depth);
    }
    text.push(close);
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

fn spell(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => python_float(float),
        _ => number.to_string(),
    }
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn writes_as_python_does() {
        let value = json!({
            "float": [1.0, 0.0001, 1e-5], "int": 7, "none": null, "empty": {"list": [], "object": {}},
            "größe": "a\"b\\c\n\u{7f}\u{1}😀", "yes": true
        });
        let expected = concat!(
            "{\n  \"float\": [\n    1.0,\n    0.0001,\n    1e-05\n  ],\n  \"int\": 7,\n  \"none\": null,\n",
            "  \"empty\": {\n    \"list\": [],\n    \"object\": {}\n  },\n",
            "  \"gr\\u00f6\\u00dfe\": \"a\\\"b\\\\c\\n\\u007f\\u0001\\ud83d\\ude00\",\n  \"yes\": true\n}"
        );
        assert_eq!(to_text(&value), expected);
    }
}
