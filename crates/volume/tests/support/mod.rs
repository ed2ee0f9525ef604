//! What the golden tests share.

use mist_volume::{Geometry, Volume, npy};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file written by the reference implementation.
pub fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(path)
}

/// Reads an array, `.npy` or, where only that exists, `.npy.gz`.
pub fn array(path: &str) -> (Vec<usize>, Vec<f32>) {
    let plain = golden(path);
    if plain.exists() {
        return npy::read_f32(&plain).unwrap();
    }
    let mut bytes = Vec::new();
    let compressed = std::fs::File::open(golden(&format!("{path}.gz"))).unwrap();
    flate2::read::MultiGzDecoder::new(compressed).read_to_end(&mut bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("array.npy");
    std::fs::write(&copy, bytes).unwrap();
    npy::read_f32(&copy).unwrap()
}

/// One channel of an array in C order as an image, x fastest: `(x, y, z, channel)` if `channels_last`, else `(channel, x, y, z)`.
pub fn channel(shape: &[usize], values: &[f32], index: usize, channels_last: bool, spacing: [f64; 3]) -> Volume<f32> {
    let (size, channels) = match *shape {
        [x, y, z] => ([x, y, z], 1),
        [x, y, z, channels] if channels_last => ([x, y, z], channels),
        [channels, x, y, z] => ([x, y, z], channels),
        _ => panic!("shape {shape:?}"),
    };
    let count: usize = size.iter().product();
    let (stride, start) = if channels_last { (channels, index) } else { (1, index * count) };
    Volume::from_fn(Geometry::axis_aligned(size, spacing), |[x, y, z]| {
        values[start + stride * (z + size[2] * (y + size[1] * x))]
    })
}
