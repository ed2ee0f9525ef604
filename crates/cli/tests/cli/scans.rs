//! Six real scans, as they are or analyzed and preprocessed.

use crate::shell::Shell;
use serde_json::Value;
use std::path::Path;

const CASES: [&str; 6] = ["015", "036", "057", "088", "104", "130"];

/// A shell in whose folder `results` and `numpy` wait for training, with five steps per epoch.
pub fn prepared() -> Shell {
    let shell = data_set();
    prepare(&shell, 0);
    shell
}

/// Analyzes and preprocesses `data`; the analysis ends with this status.
pub fn prepare(shell: &Shell, status: i32) {
    shell.mist("analyze --data data/dataset.json --nfolds 3").exits(status);
    shell.mist("preprocess --results results").exits(0);
    set(shell, r#""min_steps_per_epoch": 250"#, r#""min_steps_per_epoch": 5"#);
}

/// A shell in whose folder `data` holds the scans and their description.
pub fn data_set() -> Shell {
    let shell = Shell::new();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mist/assets/hippocampus");
    for case in CASES {
        let name = format!("hippocampus_{case}.nii.gz");
        let folder = shell.path("data/train").join(case);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(assets.join("imagesTr").join(&name), folder.join("mr.nii.gz")).expect("a scan");
        std::fs::copy(assets.join("labelsTr").join(&name), folder.join("mask.nii.gz")).expect("a mask");
    }
    shell.write(
        "data/dataset.json",
        r#"{"task": "hippocampus", "modality": "mr", "train-data": "train", "mask": ["mask"], "images": {"mr": ["mr"]},
            "labels": [0, 1, 2]}"#,
    );
    shell
}

/// Without flips, predictions take an eighth of the time.
pub fn predict_quickly(shell: &Shell) {
    set(shell, r#""all_flips""#, r#""none""#);
}

/// Edits values of `config.json` as a user would.
pub fn change(shell: &Shell, edit: impl FnOnce(&mut Value)) {
    let path = shell.path("results/config.json");
    let mut config = serde_json::from_slice(&std::fs::read(&path).expect("a config")).expect("JSON");
    edit(&mut config);
    std::fs::write(path, config.to_string()).expect("a writable config");
}

/// Replaces text of `config.json`.
pub fn set(shell: &Shell, old: &str, new: &str) {
    let path = shell.path("results/config.json");
    let text = std::fs::read_to_string(&path).expect("a config");
    assert!(text.contains(old), "{old} in {text}");
    std::fs::write(path, text.replace(old, new)).expect("a writable config");
}
