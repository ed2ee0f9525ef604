//! `config diff`: the keys in which two configurations differ. Order of keys and spelling of numbers do not count.

use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::json::{self, KeyPath};
use serde_json::{Map, Value};
use std::fmt;
use std::path::Path;

/// A key in which two files differ.
#[derive(Clone, Debug, PartialEq)]
struct Difference<'a> {
    path: KeyPath,
    first: Option<&'a Value>,
    second: Option<&'a Value>,
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match (self.first, self.second) {
            (Some(first), Some(second)) => write!(f, "{first} -> {second}"),
            (Some(first), None) => write!(f, "{first}, only in the first file"),
            (None, Some(second)) => write!(f, "{second}, only in the second file"),
            (None, None) => Ok(()),
        }
    }
}

/// Prints what differs, a key a line, in the order of the first file. Where something does, the answer is no.
pub fn run(first: &Path, second: &Path, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    // As in `diff`: that something differs must not be taken for a file that cannot be read.
    let first = json::read(first).map_err(Error::into_usage)?;
    let second = json::read(second).map_err(Error::into_usage)?;
    let mut differences = Vec::new();
    compare(&KeyPath::default(), &first, &second, &mut differences);
    differences.iter().for_each(|difference| console.info(&difference.to_string()));
    match differences.is_empty() {
        true => Ok(Vec::new()),
        false => Err(Error::told("the files differ")),
    }
}

fn compare<'a>(path: &KeyPath, first: &'a Value, second: &'a Value, found: &mut Vec<Difference<'a>>) {
    if let (Value::Object(of_first), Value::Object(of_second)) = (first, second) {
        for (key, first) in of_first {
            match of_second.get(key) {
                Some(second) => compare(&path.key(key), first, second, found),
                None => found.push(Difference { path: path.key(key), first: Some(first), second: None }),
            }
        }
        for (key, second) in of_second.iter().filter(|(key, _)| !of_first.contains_key(*key)) {
            found.push(Difference { path: path.key(key), first: None, second: Some(second) });
        }
    } else if !are_equal(first, second) {
        found.push(Difference { path: path.clone(), first: Some(first), second: Some(second) });
    }
}

/// Equal in meaning: 1 is 1.0.
fn are_equal(first: &Value, second: &Value) -> bool {
    let same_keys = |first: &Map<String, Value>, second: &Map<String, Value>| {
        first.len() == second.len()
            && first.iter().all(|(key, value)| second.get(key).is_some_and(|other| are_equal(value, other)))
    };
    match (first, second) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(one, other)| are_equal(one, other))
        }
        (Value::Object(a), Value::Object(b)) => same_keys(a, b),
        _ => first == second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differences(first: Value, second: Value) -> Vec<String> {
        let mut found = Vec::new();
        compare(&KeyPath::default(), &first, &second, &mut found);
        found.iter().map(Difference::to_string).collect()
    }

    #[test]
    fn order_of_keys_and_spelling_of_numbers_do_not_count() {
        let first = json!({"a": 1, "b": {"c": [1.0, {"d": 2, "e": null}]}});
        let second = json!({"b": {"c": [1, {"e": null, "d": 2.0}]}, "a": 1.0});
        assert_eq!(differences(first, second), [""; 0]);
        let large = |number: u64| json!({ "seed": number });
        assert_eq!(differences(large((1 << 53) + 1), large(1 << 53)).len(), 1, "whole numbers are compared as such");
    }

    #[test]
    fn differences_come_in_the_order_of_the_file() {
        let first = json!({"z": {"y": 1, "x": "a", "gone": [1, 2]}, "list": [1, 2], "kind": {}});
        let second = json!({"list": [1], "z": {"x": "b", "y": 2, "new": true}, "kind": 3, "last": {"k": 1}});
        insta::assert_snapshot!(differences(first, second).join("\n"), @r#"
        z.y: 1 -> 2
        z.x: "a" -> "b"
        z.gone: [1,2], only in the first file
        z.new: true, only in the second file
        list: [1,2] -> [1]
        kind: {} -> 3
        last: {"k":1}, only in the second file
        "#);
    }
}
