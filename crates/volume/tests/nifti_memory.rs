//! Memory that reading takes, by the size that the header declares.

#[allow(dead_code)] // the voxels here are zeros
#[path = "support/nifti.rs"]
mod made;

use made::{Fields, Order};
use mist_volume::nifti::{self, NiftiProblem};
use peak_alloc::PeakAlloc;
use std::io::Write;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A compressed file of that many zeros of one byte behind the header.
fn zeros(header: &[u8], count: usize, folder: &tempfile::TempDir) -> std::path::PathBuf {
    let path = folder.path().join("zeros.nii.gz");
    let file = std::fs::File::create(&path).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(header).unwrap();
    encoder.write_all(&vec![0; count]).unwrap();
    encoder.finish().unwrap();
    path
}

/// One test alone, as all threads of a program share what is counted.
#[test]
fn is_bounded_by_the_size_declared() {
    let folder = tempfile::tempdir().unwrap();

    // Found by fuzzing: the vector doubled beyond the image, to three times its size while it grew.
    let side = 103; // 103³ voxels: a little more than 2^20
    let fields = Fields { dim: [3, side, side, side, 1, 1, 1, 1], ..Fields::new(Order::Little, 2) };
    let voxels = side.pow(3) as usize;
    let path = zeros(&fields.nifti1(), voxels, &folder);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let volume = nifti::read(&path).unwrap();
    let taken = MEMORY.peak_usage() - before;
    assert_eq!(volume.voxels().len(), voxels);
    assert!(taken < 2 * voxels * size_of::<f32>() + (1 << 20), "{taken} bytes for {voxels} voxels");

    // Found by fuzzing: a geometry for each of a million images, from a file of a kilobyte.
    let frames = 1_000_000;
    let fields = Fields { dim: [4, 1, 1, 1, frames, 1, 1, 1], ..Fields::new(Order::Little, 2) };
    let path = zeros(&fields.nifti2(), frames as usize, &folder);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let error = nifti::read_series(&path).unwrap_err();
    let taken = MEMORY.peak_usage() - before;
    assert!(matches!(error.problem, NiftiProblem::Frames { found: 1_000_000 }), "{error}");
    assert!(error.to_string().ends_with("the series has 1000000 images; at most 32767 can be read"), "{error}");
    assert!(taken < 1 << 20, "{taken} bytes");
}
