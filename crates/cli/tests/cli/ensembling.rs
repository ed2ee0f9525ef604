//! Ensembles as a user sees them, of label maps with a few voxels.

use crate::shell::Shell;
use mist_volume::{Geometry, Volume, nifti};

fn write(shell: &Shell, name: &str, voxels: [u8; 4], spacing: f64) {
    let path = shell.path(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let grid = Geometry::axis_aligned([4, 1, 1], [spacing; 3]);
    nifti::write(&path, &Volume::new(grid, voxels.to_vec()).expect("four voxels")).expect("a file");
}

#[test]
fn maps_are_joined_and_what_cannot_be_is_reported() {
    let shell = Shell::new();
    for (folder, voxels) in [("a", [0, 1, 1, 2]), ("b", [0, 1, 2, 2]), ("c", [0, 1, 0, 1])] {
        write(&shell, &format!("{folder}/x.nii.gz"), voxels, 1.0);
    }
    let line = "ensemble --predictions a b c --output out";
    shell
        .mist(&format!("{line} --ensemble-backend majority_vote"))
        .exits(0)
        .stdout_has("1 voxel on which the methods are equally divided became background")
        .stdout_has("Ensemble completed successfully.");
    let read = |name: &str| nifti::read(&shell.path(name)).expect("a map").voxels().to_vec();
    assert_eq!(read("out/x.nii.gz"), [0.0, 1.0, 0.0, 2.0]);
    shell.mist(line).exits(0);

    // Another grid is no case of the same patient; the others go on.
    for folder in ["a", "b"] {
        write(&shell, &format!("{folder}/y.nii.gz"), [1; 4], 1.0);
    }
    write(&shell, "c/y.nii.gz", [1; 4], 2.0);
    shell
        .mist(line)
        .exits(3)
        .stderr_has("y: failed while comparing the grid of ")
        .stderr_has("c/y.nii.gz: does not lie on the voxels of ");
    assert!(!shell.path("out/y.nii.gz").exists());
}

#[test]
fn folders_must_hold_the_same_cases() {
    let shell = Shell::new();
    write(&shell, "a/x.nii.gz", [0; 4], 1.0);
    write(&shell, "b/y.nii.gz", [0; 4], 1.0);
    let line = "ensemble --predictions a b --output out";
    shell.mist(line).exits(1).stderr_has("b: x; extra in ").stderr_has("b: y");
    shell.mist("ensemble --predictions a --output out").exits(2).stderr_has("at least two prediction directories");
    shell.mist("ensemble --predictions a c --output out").exits(1).stderr_has("Prediction directory not found");
    shell.mist("ensemble --predictions a b --output b").exits(2).stderr_has("would replace");
    shell.mist(&format!("{line} --input-type probabilities")).exits(2).stderr_has("needs --config");
    assert!(!shell.path("out").exists());
}
