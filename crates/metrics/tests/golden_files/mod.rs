//! Reads the golden files.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/metrics")
}

pub fn json(name: &str) -> serde_json::Value {
    let path = folder().join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn number(value: &serde_json::Value) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("nan") => f64::NAN,
        _ => value.as_f64().unwrap_or_else(|| panic!("{value} is not a number")),
    }
}

pub fn triple<T: Debug>(values: Vec<T>) -> [T; 3] {
    values.try_into().unwrap_or_else(|values| panic!("{values:?} are not three"))
}

/// Shape and bytes of a C-order array.
fn npy(name: &str, descr: &str) -> (Vec<usize>, Vec<u8>) {
    let path = folder().join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    assert!(header.contains(&format!("'descr': '{descr}', 'fortran_order': False")), "{name}: {header}");
    let shape = header.split(['(', ')']).nth(1).unwrap();
    let shape = shape.split(',').filter(|part| !part.trim().is_empty()).map(|part| part.trim().parse().unwrap());
    (shape.collect(), bytes[10 + length..].to_vec())
}

/// A mask indexed `[x, y, z]` in C order, as a mask with x fastest.
pub fn mask(name: &str) -> ([usize; 3], Vec<bool>) {
    let (shape, values) = npy(name, "|u1");
    let [nx, ny, nz] = triple(shape);
    let mut mask = Vec::with_capacity(values.len());
    for z in 0..nz {
        for y in 0..ny {
            mask.extend((0..nx).map(|x| values[z + nz * (y + ny * x)] != 0));
        }
    }
    ([nx, ny, nz], mask)
}

pub fn doubles(name: &str) -> Vec<f64> {
    let (_, bytes) = npy(name, "<f8");
    bytes.as_chunks().0.iter().map(|&value| f64::from_le_bytes(value)).collect()
}

#[track_caller]
pub fn assert_close(found: f64, expected: f64, what: &str) {
    let close = found == expected || (found - expected).abs() <= 1e-9 * expected.abs().max(found.abs());
    assert!(close, "{what}: {found} instead of {expected}");
}
