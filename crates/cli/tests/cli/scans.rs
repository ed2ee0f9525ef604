//! Six real scans, as they are or analyzed and preprocessed.

use crate::shell::Shell;
use mist_volume::{Volume, nifti};
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

/// An id that would be markup, were it not text.
pub const HOSTILE: &str = "<img src=x onerror=\"document.title='broken'\">";
/// Where the predictions have an island that the truth does not, and its half width, in voxels.
pub const ISLAND: ([usize; 3], usize) = ([6, 6, 6], 3);

/// Six real cases, evaluated. Case `015` has an island far from the truth; case `036`, whose scan is gone, is all
/// background; the others are perfect, one with a hostile name.
pub fn evaluated() -> Shell {
    let shell = data_set();
    std::fs::rename(shell.path("data/train/057"), shell.path("data/train").join(HOSTILE)).expect("a new name");
    shell.mist("analyze --data data/dataset.json --nfolds 3").exits(0);
    for id in ["015", "036", HOSTILE, "088", "104", "130"] {
        let truth = nifti::read(&shell.path("data/train").join(id).join("mask.nii.gz")).expect("a mask");
        let (center, half) = ISLAND;
        let inside = |index: [usize; 3]| (0..3).all(|axis| index[axis].abs_diff(center[axis]) <= half);
        let found = Volume::from_fn(*truth.geometry(), |index| match id {
            "015" if inside(index) => 2_u8,
            "036" => 0,
            _ => truth.get(index).map_or(0, |label| *label as u8),
        });
        let folder = shell.path("results/predictions/train/raw");
        std::fs::create_dir_all(&folder).expect("a folder");
        nifti::write(&folder.join(format!("{id}.nii.gz")), &found).expect("a file");
    }
    shell.mist("finalize").exits(0);
    std::fs::remove_file(shell.path("data/train/036/mr.nii.gz")).expect("a scan");
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
