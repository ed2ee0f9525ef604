//! A stop that the user asks for. Alone in its file, because the wish concerns the whole process.

use mist::console::Silent;
use mist::error::Kind;
use mist_nn::Registry;
use mist_volume::{Geometry, Volume, nifti};
use std::fs;

#[test]
fn an_interrupted_analysis_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for id in ["a", "b"] {
        let case = folder.path().join("train").join(id);
        fs::create_dir_all(&case).unwrap();
        let volume = Volume::from_fn(Geometry::axis_aligned([4, 4, 4], [1.0; 3]), |[x, y, z]| (x * y * z) as f32);
        nifti::write(&case.join("image.nii.gz"), &volume).unwrap();
        nifti::write(&case.join("mask.nii.gz"), &volume.map(|&value| f32::from(value > 3.0))).unwrap();
    }
    let data = folder.path().join("dataset.json");
    let description = r#"{"task": "t", "modality": "mr", "train-data": "train", "mask": ["mask"],
        "images": {"mr": ["image"]}, "labels": [0, 1], "final_classes": {"a": [1]}}"#;
    fs::write(&data, description).unwrap();

    mist::interrupt::request();
    let results = folder.path().join("results");
    let options = mist::analyze::Options {
        data,
        results: results.clone(),
        nfolds: Some(2),
        workers: 2,
        verify: false,
        overwrite: false,
    };
    let error = mist::analyze::run(&options, &Registry::builtin(), &Silent).unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert_eq!(fs::read_dir(&results).unwrap().count(), 0);
}
