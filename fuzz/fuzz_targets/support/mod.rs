//! What the targets share: a file to read the bytes from, and a limit of memory.

use peak_alloc::PeakAlloc;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Buffers that do not depend on the file: of its bytes, of the decompressor, of values that are being converted.
const BUFFER_BYTES: usize = 1 << 20;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder for the file"));

/// Hands the bytes to a reader, which wants a file.
pub fn with_file<R>(bytes: &[u8], read: impl FnOnce(&Path) -> R) -> R {
    let path = FOLDER.path().join("input");
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
