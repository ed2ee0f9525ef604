//! What the targets share: a file to read the bytes from, a limit of memory, and tensors that can be compared.

#![allow(dead_code)] // no target needs all of it

use mist_nn::weights::TensorData;
use peak_alloc::PeakAlloc;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Buffers that do not depend on the file: of its bytes, of the decompressor, of values that are being converted.
const BUFFER_BYTES: usize = 1 << 20;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder for the file"));

/// Hands the bytes to a reader, which wants a file, and may go by its name.
pub fn with_file<R>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> R) -> R {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("the file can be written");
    read(&path)
}

/// Panics if a reader takes more than twice the memory of its result, which is `declared` bytes by the header.
pub fn within_twice<R>(declared: usize, read: impl FnOnce() -> R) -> R {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let result = read();
    let taken = MEMORY.peak_usage().saturating_sub(before);
    let most = declared.saturating_mul(2).saturating_add(BUFFER_BYTES);
    assert!(taken <= most, "{taken} bytes of memory for {declared} declared");
    result
}

/// Type and bits of the values of a tensor, as NaN is not equal to itself.
pub fn bits(data: &TensorData) -> (std::mem::Discriminant<TensorData>, Vec<u64>) {
    let bits = match data {
        TensorData::F32(values) => values.iter().map(|value| value.to_bits().into()).collect(),
        TensorData::F64(values) => values.iter().map(|value| value.to_bits()).collect(),
        TensorData::I64(values) => values.iter().map(|value| *value as u64).collect(),
        TensorData::I32(values) => values.iter().map(|value| *value as u64).collect(),
        TensorData::I16(values) => values.iter().map(|value| *value as u64).collect(),
        TensorData::I8(values) => values.iter().map(|value| *value as u64).collect(),
        TensorData::U8(values) => values.iter().map(|value| u64::from(*value)).collect(),
        TensorData::Bool(values) => values.iter().map(|value| u64::from(*value)).collect(),
    };
    (std::mem::discriminant(data), bits)
}
