//! Real scans of this repository as a small data set, for the tests of the examples.

use std::path::Path;

/// Cases of [`data_set`].
pub const CASES: [&str; 6] = ["015", "036", "057", "088", "104", "130"];

/// Writes `dataset.json` and the scans that it describes.
pub fn data_set(folder: &Path) {
    let scans = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/mist/assets/hippocampus");
    for case in CASES {
        let (name, target) = (format!("hippocampus_{case}.nii.gz"), folder.join("train").join(case));
        std::fs::create_dir_all(&target).expect("a folder");
        std::fs::copy(scans.join("imagesTr").join(&name), target.join("mr.nii.gz")).expect("a scan");
        std::fs::copy(scans.join("labelsTr").join(&name), target.join("mask.nii.gz")).expect("a mask");
    }
    let description = r#"{"task": "hippocampus", "modality": "mr", "train-data": "train", "mask": ["mask"],
        "images": {"mr": ["mr"]}, "labels": [0, 1, 2]}"#;
    std::fs::write(folder.join("dataset.json"), description).expect("a description");
}

/// Shortens an epoch of the run in `results` to three steps.
pub fn shorten(folder: &Path) {
    let config = folder.join("results/config.json");
    let text = std::fs::read_to_string(&config).expect("a config");
    let short = text.replace(r#""min_steps_per_epoch": 250"#, r#""min_steps_per_epoch": 3"#);
    assert_ne!(short, text);
    std::fs::write(&config, short).expect("a config");
}
