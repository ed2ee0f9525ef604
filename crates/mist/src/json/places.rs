//! Where in a text its values stand, so that an error about one can name the line.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// Where the values of a text stand: members of objects at their key, items of lists at themselves.
#[derive(Clone, Debug, Default)]
pub struct Places {
    text: String,
    offsets: HashMap<String, usize>,
}

/// A place in a text, both counted from 1; columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Places {
    pub(super) fn new(text: &str, offsets: HashMap<String, usize>) -> Self {
        Self { text: text.to_owned(), offsets }
    }

    /// Where the value with this path stands; None where it is not in the text, or is the whole of it.
    pub fn of(&self, path: &KeyPath) -> Option<Place> {
        self.offsets.get(path.pointer()).map(|offset| Place::of(&self.text, *offset))
    }
}

impl Place {
    /// The place of the character that starts at this byte.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column }
    }
}

/// `file:line:column`, which editors and terminals understand, or the file alone.
pub fn in_file(file: &Path, place: Option<Place>) -> String {
    match place {
        Some(Place { line, column }) => format!("{}:{line}:{column}", file.display()),
        None => file.display().to_string(),
    }
}

/// The way to a value from the top of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath {
    shown: String,
    pointer: String,
}

impl KeyPath {
    /// The value of a key of this object.
    pub fn key(&self, key: &str) -> Self {
        let shown = if self.shown.is_empty() { key.to_owned() } else { format!("{}.{key}", self.shown) };
        Self { shown, pointer: format!("{}/{}", self.pointer, escaped(key)) }
    }

    /// An item of this list.
    pub fn item(&self, position: usize) -> Self {
        Self { shown: format!("{}[{position}]", self.shown), pointer: format!("{}/{position}", self.pointer) }
    }

    /// The keys and positions on the way.
    pub fn steps(&self) -> Vec<String> {
        self.pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
    }

    /// As a JSON pointer (RFC 6901), which is unambiguous.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }
}

/// As a person writes it: `training.folds[1]`.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A key as a part of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Pointers to all values, the whole file first.
#[cfg(test)]
pub fn pointers(value: &serde_json::Value) -> Vec<String> {
    fn below(value: &serde_json::Value, path: String, found: &mut Vec<String>) {
        found.push(path.clone());
        match value {
            serde_json::Value::Object(entries) => {
                entries.iter().for_each(|(key, value)| below(value, format!("{path}/{}", escaped(key)), found));
            }
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| below(value, format!("{path}/{index}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    below(value, String::new(), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_with_places;

    #[test]
    fn values_are_found_by_their_path() {
        let text = "{\n  \"a\": [1,\n    {\"é/~.b\": 2, \"c\": 3}],\n  \"a/1\": 4\n}";
        let (_, places) = parse_with_places(text).expect("parses");
        let at = |path: &KeyPath| places.of(path).map(|Place { line, column }| (line, column));
        let root = KeyPath::default();
        assert_eq!(at(&root), None);
        assert_eq!(at(&root.key("a")), Some((2, 3)));
        assert_eq!(at(&root.key("a").item(0)), Some((2, 9)));
        assert_eq!(at(&root.key("a").item(1)), Some((3, 5)));
        assert_eq!(at(&root.key("a").item(1).key("é/~.b")), Some((3, 6)));
        assert_eq!(at(&root.key("a").item(1).key("c")), Some((3, 18)));
        assert_eq!(at(&root.key("a/1")), Some((4, 3)), "not taken for an item of `a`");
        assert_eq!(at(&root.key("a").item(2)), None);
        assert_eq!(root.key("a").item(1).key("é/~.b").steps(), ["a", "1", "é/~.b"]);
    }
}
