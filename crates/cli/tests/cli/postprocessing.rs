//! Postprocessing as a user sees it, of label maps with a few voxels.

use crate::shell::Shell;
use mist_volume::{Geometry, Volume, nifti};

fn write(shell: &Shell, name: &str, voxels: &[u8]) {
    let path = shell.path(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let grid = Geometry::axis_aligned([voxels.len(), 1, 1], [1.0; 3]);
    nifti::write(&path, &Volume::new(grid, voxels.to_vec()).expect("a row of voxels")).expect("a file");
}

fn read(shell: &Shell, name: &str) -> Vec<f32> {
    nifti::read(&shell.path(name)).expect("a label map").voxels().to_vec()
}

const LINE: &str = "postprocess --base-predictions found --output out --postprocess-strategy rules.json";

/// Two maps and a rule that keeps the largest object of label 1.
fn with_maps() -> Shell {
    let shell = Shell::new();
    write(&shell, "found/a.nii.gz", &[1, 0, 1, 1, 0, 2]);
    write(&shell, "found/b.nii.gz", &[0, 0, 0, 0, 0, 0]);
    write(&shell, "truth/a.nii.gz", &[0, 0, 1, 1, 0, 2]);
    write(&shell, "truth/b.nii.gz", &[0, 0, 0, 0, 0, 0]);
    shell.write(
        "rules.json",
        r#"[{"transform": "get_top_k_connected_components", "apply_to_labels": [1], "per_label": true}]"#,
    );
    shell
}

#[test]
fn maps_are_cleaned_up_and_scored_before_and_after() {
    let shell = with_maps();
    shell.write("truth.csv", "id,mask\na,truth/a.nii.gz\nb,truth/b.nii.gz\n");
    shell.write("section.json", r#"{"organ": {"labels": [1], "metrics": {"dice": {}}}}"#);
    shell
        .mist(&format!("{LINE} --paths-csv truth.csv --eval-config section.json"))
        .exits(0)
        .stdout_has("get_top_k_connected_components  True")
        .stdout_has("Postprocessing completed successfully.")
        .stdout_has("organ_dice      0.9000      1.0000");
    assert_eq!(read(&shell, "out/predictions/a.nii.gz"), [0.0, 0.0, 1.0, 1.0, 0.0, 2.0]);
    assert_eq!(read(&shell, "found/a.nii.gz"), [1.0, 0.0, 1.0, 1.0, 0.0, 2.0], "what it is made from stays");
    let bytes = |name: &str| std::fs::read(shell.path(name)).expect("a file");
    assert!(bytes("rules.json") == bytes("out/strategy.json"));
    assert!(String::from_utf8_lossy(&bytes("out/postprocess_results.csv")).contains("\na,1.0\n"));
    assert!(String::from_utf8_lossy(&bytes("out/base_results.csv")).contains("\na,0.8\n"));
}

#[test]
fn wrong_rules_and_folders_are_refused_before_anything_is_written() {
    let shell = with_maps();
    shell.write("rules.json", r#"[{"transform": "fill_hole", "apply_to_labels": [1], "per_label": true}]"#);
    shell.mist(LINE).exits(1).stderr_has("Unknown transform \"fill_hole\" in step 0").stderr_has("describe-transforms");
    shell.write("rules.json", "[{");
    shell.mist(LINE).exits(1).stderr_has("rules.json");
    shell.mist(&LINE.replace("found", "nowhere")).exits(1).stderr_has("Base predictions directory not found");
    shell.mist(&LINE.replace("rules", "none")).exits(1).stderr_has("Postprocess strategy file not found");
    shell.mist(&format!("{LINE} --paths-csv a.csv")).exits(2).stderr_has("must both be provided together");
    assert!(!shell.path("out").exists());
    shell.write("rules.json", "[]");
    std::fs::create_dir_all(shell.path("out")).expect("a folder");
    std::fs::rename(shell.path("found"), shell.path("out/predictions")).expect("moved");
    let line = LINE.replace("found", "out/predictions");
    shell.mist(&line).exits(2).stderr_has("would replace the label maps");
}

#[test]
fn a_map_that_cannot_be_used_is_reported_and_the_others_go_on() {
    let shell = with_maps();
    shell.write("found/broken.nii.gz", "no scan");
    shell.mist(LINE).exits(3).stderr_has("broken: failed while reading");
    assert!(!shell.path("out/predictions/broken.nii.gz").exists());
    assert!(shell.path("out/predictions/a.nii.gz").exists());
    // A step that makes no sense is left out; the map is still written.
    shell
        .write("rules.json", r#"[{"transform": "fill_holes_with_label", "apply_to_labels": [0], "per_label": false}]"#);
    std::fs::remove_file(shell.path("found/broken.nii.gz")).expect("removed");
    shell.mist(LINE).exits(0).stderr_has("a: fill_holes_with_label was left out: All labels");
    assert_eq!(read(&shell, "out/predictions/a.nii.gz")[0], 1.0);
}

#[test]
fn transforms_are_described() {
    let shell = Shell::new();
    shell.mist("describe-transforms").exits(0).stdout_has("remove_small_objects").stdout_has("(default 64)");
    let json = shell.mist("describe-transforms --json").exits(0).stdout();
    let described: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(described[1]["kwargs"]["morphological_cleaning_iterations"]["default"], 2);
}
