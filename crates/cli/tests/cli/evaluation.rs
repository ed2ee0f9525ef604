//! Evaluation as a user sees it, of label maps with three voxels.

use crate::shell::Shell;
use mist_volume::{Geometry, Volume, nifti};

/// A shell with an evaluation section that knows label 1 alone.
fn with_section() -> Shell {
    let shell = Shell::new();
    shell.write("section.json", r#"{"organ": {"labels": [1], "metrics": {"dice": {}}}}"#);
    shell
}

fn write(shell: &Shell, name: &str, voxels: [f32; 3]) {
    let path = shell.path(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let volume = Volume::new(Geometry::axis_aligned([3, 1, 1], [1.0; 3]), voxels.to_vec()).expect("three voxels");
    nifti::write(&path, &volume).expect("a file");
}

const FOLDERS: &str = "evaluate --config section.json --masks truth --predictions found --output-csv scores.csv";

#[test]
fn nothing_to_compare_is_an_error_with_advice_and_without_a_table() {
    let shell = with_section();
    write(&shell, "truth/001/mask.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "found/001.nii.gz", [0.0, 1.0, 1.0]);
    shell
        .mist(FOLDERS)
        .exits(1)
        .stderr_has("001: failed while pairing")
        .stderr_has("no case could be compared")
        .stderr_has("hint: files in folders of their own, such as")
        .stderr_has("--paths-csv");
    assert!(!shell.path("scores.csv").exists());
}
