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

/// Uniform in [-1, 1), exact in f32.
pub fn hash(seed: u32, index: usize) -> f32 {
    let mut x = seed.wrapping_add((index as u32).wrapping_mul(0x9E37_79B1));
    x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
    x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
    x ^= x >> 16;
    (x >> 8) as f32 * (1.0 / (1 << 23) as f32) - 1.0
}

/// So many numbers of a name.
pub fn hashed(name: &str, length: usize) -> Vec<f32> {
    let seed = crc32fast::hash(name.as_bytes());
    (0..length).map(|index| hash(seed, index)).collect()
}

/// A tensor of a network.
pub fn hashed_weights(name: &str, shape: &[usize]) -> Vec<f32> {
    let mut values = hashed(name, shape.iter().product());
    if shape.len() >= 2 {
        let scale = (3.0 / shape[1..].iter().product::<usize>() as f64).sqrt() as f32;
        values.iter_mut().for_each(|value| *value *= scale);
    } else if name.ends_with(".bias") {
        values.iter_mut().for_each(|value| *value *= 0.1);
    } else {
        values.iter_mut().for_each(|value| *value = 1.0 + 0.1 * *value);
    }
    values
}
