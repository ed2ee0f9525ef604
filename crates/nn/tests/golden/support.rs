//! Golden files of the reference and the small formulas that made their inputs.

use serde_json::Value;
use std::path::PathBuf;

pub fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name)
}

pub fn json(name: &str) -> Value {
    let path = golden(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Shape and values of an array.
pub fn array(name: &str) -> (Vec<usize>, Vec<f32>) {
    mist_volume::npy::read_f32(&golden(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn floats(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap_or_else(|| panic!("a list of numbers, not {value}"));
    list.iter().map(float).collect()
}

pub fn float(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number, not {value}"))
}

pub fn triple<T>(value: &Value, convert: impl Fn(&Value) -> T) -> [T; 3] {
    [convert(&value[0]), convert(&value[1]), convert(&value[2])]
}

pub fn count(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("a count, not {value}")) as usize
}

/// Largest absolute difference.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}
