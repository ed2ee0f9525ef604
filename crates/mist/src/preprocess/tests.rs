//! Space on the disk, over whole runs.

use super::*;
use crate::analyze;
use crate::console::Silent;
use mist_volume::{Geometry, Volume, nifti};
use std::fs;

/// Two analyzed cases of 20 x 20 x 20 voxels; their arrays are to go into a folder that is not there yet.
fn analyzed() -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let scan = Volume::from_fn(Geometry::axis_aligned([20; 3], [1.0; 3]), |[x, y, z]| (1 + x + y + z) as i16);
    let mask = scan.map(|&value| u8::from(value > 30));
    for id in ["a", "b"] {
        let case = folder.path().join("train").join(id);
        fs::create_dir_all(&case).unwrap();
        nifti::write(&case.join("mr.nii"), &scan).unwrap();
        nifti::write(&case.join("mask.nii"), &mask).unwrap();
    }
    let data = folder.path().join("dataset.json");
    let description = r#"{"task": "t", "modality": "mr", "train-data": "train", "mask": ["mask"], "images": {"mr": ["mr"]},
        "labels": [0, 1]}"#;
    fs::write(&data, description).unwrap();
    let results = folder.path().join("results");
    let options = analyze::Options {
        data,
        results: results.clone(),
        nfolds: Some(2),
        gpu_memory: analyze::GpuMemory::Assumed,
        batch_size_per_gpu: None,
        workers: 1,
        verify: false,
        data_dump: false,
        overwrite: false,
    };
    analyze::run(&options, &mist_nn::Registry::builtin(), &Silent).unwrap();
    let options = Options {
        results,
        numpy: folder.path().join("numpy"),
        workers: 1,
        no_preprocess: Some(true),
        compute_dtms: None,
        max_memory: None,
        resume: false,
        overwrite: false,
    };
    (folder, options)
}

/// Bytes of an array of values and one of labels, without their headers.
const CASE: u64 = 20 * 20 * 20 * (4 + 1);

fn with_free(options: &Options, bytes: u64) -> Result<Vec<CaseFailure>> {
    preprocess(options, Scope::All, |_| Some(bytes), &Silent)
}

#[test]
fn nothing_is_written_where_the_arrays_would_not_fit() {
    let (_folder, options) = analyzed();
    let error = with_free(&options, 2 * CASE - 1).unwrap_err().to_string();
    assert!(error.contains("too little space") && error.contains("numpy"), "{error}");
    assert!(!options.numpy.exists());
    with_free(&options, 2 * CASE).unwrap();
}

#[test]
fn a_continued_run_needs_space_for_the_rest_only() {
    let (_folder, options) = analyzed();
    with_free(&options, 2 * CASE).unwrap();
    fs::remove_file(options.numpy.join("images/b.npy")).unwrap();
    fs::remove_file(options.numpy.join("labels/b.npy")).unwrap();
    let resumed = Options { resume: true, ..options };
    assert!(with_free(&resumed, CASE - 1).is_err());
    assert!(!is_unfinished(&resumed.numpy), "the refused run has not begun");
    with_free(&resumed, CASE).unwrap();
    with_free(&resumed, 0).unwrap();
}

#[test]
fn arrays_that_are_replaced_make_room() {
    let (_folder, options) = analyzed();
    with_free(&options, 2 * CASE).unwrap();
    with_free(&Options { overwrite: true, ..options }, 0).unwrap();
}
