//! Golden files and made-up cases for the tests of this module.

use super::augment::Switches;
use super::case::CaseFiles;
use super::loader::LoaderSettings;
use std::path::{Path, PathBuf};

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/losses").join(file)
}

pub fn golden(file: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path(file)).unwrap()).unwrap()
}

/// Data of a C-order `.npy` file of format 1.0.
pub fn golden_bytes(file: &str) -> Vec<u8> {
    let bytes = std::fs::read(path(file)).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[10 + header..].to_vec()
}

pub fn golden_image(file: &str) -> Vec<f32> {
    golden_bytes(file).chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

pub fn golden_label() -> Vec<u8> {
    golden_bytes("augment/label.npy")
}

/// Bytes of a `.npy` file of format 1.0. `values` are in C order; they are stored in Fortran order if asked for.
pub fn npy<const N: usize>(descriptor: &str, shape: [usize; 4], fortran: bool, values: &[[u8; N]]) -> Vec<u8> {
    let [x, y, z, c] = shape;
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descriptor}', 'fortran_order': {order}, 'shape': ({x}, {y}, {z}, {c}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    let strides = [y * z * c, z * c, c, 1];
    for i in 0..values.len() {
        let at = if fortran {
            let index = [i % x, i / x % y, i / (x * y) % z, i / (x * y * z)];
            index.iter().zip(strides).map(|(i, stride)| i * stride).sum()
        } else {
            i
        };
        bytes.extend(values[at]);
    }
    bytes
}

/// A folder of made-up cases.
pub struct Dataset {
    pub folder: tempfile::TempDir,
    pub fortran: bool,
}

/// Classes of the made-up cases.
pub const CLASSES: usize = 3;

impl Dataset {
    pub fn new(fortran: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["images", "labels", "dtms"] {
            std::fs::create_dir(folder.path().join(part)).unwrap();
        }
        Self { folder, fortran }
    }

    /// A case whose values tell voxel, channel and `number`; a block of class 1 and one voxel of class 2.
    pub fn case(&self, id: &str, size: [usize; 3], channels: usize, number: usize) -> CaseFiles {
        let [x, y, z] = size;
        let voxels = x * y * z;
        let image: Vec<f32> = (0..voxels * channels).map(|i| (number * 100_000 + i + 1) as f32).collect();
        let mut label = vec![0u8; voxels];
        label[voxels / 2..voxels / 2 + z.min(voxels / 4)].fill(1);
        label[voxels / 3] = 2;
        self.write(
            "images",
            id,
            "<f4",
            [x, y, z, channels],
            &image.iter().map(|v| v.to_le_bytes()).collect::<Vec<_>>(),
        );
        self.write("labels", id, "|u1", [x, y, z, 1], &label.iter().map(|v| [*v]).collect::<Vec<_>>());
        CaseFiles::in_folder(self.folder.path(), id, false)
    }

    /// Adds distance maps to a case: class `c` at voxel `v` has the value `v + c / 4`.
    pub fn distances(&self, id: &str, size: [usize; 3]) -> CaseFiles {
        let [x, y, z] = size;
        let value = |i: usize| ((i / CLASSES) as f32 + (i % CLASSES) as f32 / 4.0).to_le_bytes();
        let maps: Vec<[u8; 4]> = (0..x * y * z * CLASSES).map(value).collect();
        self.write("dtms", id, "<f4", [x, y, z, CLASSES], &maps);
        CaseFiles::in_folder(self.folder.path(), id, true)
    }

    pub fn write<const N: usize>(&self, part: &str, id: &str, descriptor: &str, shape: [usize; 4], values: &[[u8; N]]) {
        let path = self.folder.path().join(part).join(format!("{id}.npy"));
        std::fs::write(path, npy(descriptor, shape, self.fortran, values)).unwrap();
    }
}

/// Every augmentation on small patches, two at a time.
pub fn settings() -> LoaderSettings {
    LoaderSettings {
        patch_size: [6, 7, 8],
        spacing: [1.0, 1.5, 2.0],
        batch_size: 2,
        foreground_probability: 0.6,
        augmentation: Switches::ALL,
        classes: CLASSES,
        seed: 42,
        fold: 1,
        cache_bytes: 0,
    }
}
