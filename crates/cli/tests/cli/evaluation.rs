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

/// Without `--validate` such values count as background, as in the reference, but never in silence.
#[test]
fn values_that_are_no_label_are_counted_and_reported() {
    let shell = with_section();
    write(&shell, "truth/a.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "truth/b.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "found/a.nii.gz", [7.0, 1.0, 0.5]);
    write(&shell, "found/b.nii.gz", [0.0, 1.0, 1.0]);
    shell
        .mist(FOLDERS)
        .exits(0)
        .stderr_has("warning: 1 of 2 cases hold values that are no label")
        .stderr_has("a: the prediction has 2 voxels with values that are no label: 7, 0.5");
    shell.mist(&format!("{FOLDERS} --validate")).exits(3).stderr_has("a: failed while validating");

    // A label of the data set that no class is made of is no surprise.
    shell.write(
        "section.json",
        r#"{"dataset_info": {"labels": [0, 1, 7]}, "evaluation": {"organ": {"labels": [1], "metrics": {"dice": {}}}}}"#,
    );
    write(&shell, "found/a.nii.gz", [7.0, 1.0, 1.0]);
    assert_eq!(shell.mist(FOLDERS).exits(0).stderr(), "");
}

#[test]
fn a_case_with_a_value_that_is_not_a_number_is_left_out() {
    let shell = with_section();
    write(&shell, "truth/a.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "truth/b.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "found/a.nii.gz", [0.0, f32::NAN, 1.0]);
    write(&shell, "found/b.nii.gz", [0.0, 1.0, 1.0]);
    shell.mist(FOLDERS).exits(3).stderr_has("1 case failed").stderr_has("found/a.nii.gz: voxel (1, 0, 0) is NaN");
    let table = std::fs::read_to_string(shell.path("scores.csv")).expect("a table");
    assert!(table.starts_with("id,organ_dice\nb,1.0\nMean,"), "{table}");
}

#[test]
fn nothing_that_is_compared_is_replaced_by_the_table() {
    let shell = with_section();
    write(&shell, "truth/a.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "found/a.nii.gz", [0.0, 1.0, 1.0]);
    shell.write("paths.csv", "id,mask,prediction\na,truth/a.nii.gz,found/a.nii.gz\n");
    let mask = std::fs::read(shell.path("truth/a.nii.gz")).expect("a mask");
    shell.mist(&FOLDERS.replace("scores.csv", "truth/a.nii.gz")).exits(2).stderr_has("ends in .csv");
    shell
        .mist("evaluate --config section.json --paths-csv paths.csv --output-csv ./paths.csv")
        .exits(2)
        .stderr_has("would replace a file that it is made from");
    assert_eq!(std::fs::read(shell.path("truth/a.nii.gz")).expect("a mask"), mask);
}

/// A class of a label that is nowhere would come out as perfect.
#[test]
fn a_class_of_no_label_of_the_data_set_is_refused() {
    let shell = with_section();
    write(&shell, "truth/a.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "found/a.nii.gz", [0.0, 1.0, 1.0]);
    shell.write(
        "section.json",
        r#"{"dataset_info": {"labels": [0, 1, 7]}, "evaluation": {"organ": {"labels": [9], "metrics": {"dice": {}}}}}"#,
    );
    shell.mist(FOLDERS).exits(1).stderr_has("evaluation.organ.labels[0]").stderr_has("besides the background, 1, 7");
}

/// The reason is kept where a script finds it, the terminal counts the case under the means, and `--missing worst` scores it.
#[test]
fn failed_cases_are_listed_counted_and_on_request_the_worst() {
    let shell = with_section();
    for id in ["a", "b", "c"] {
        write(&shell, &format!("truth/{id}.nii.gz"), [0.0, 1.0, 1.0]);
    }
    write(&shell, "found/a.nii.gz", [0.0, 1.0, 1.0]);
    std::fs::write(shell.path("found/b.nii.gz"), "no image").expect("a file");
    let read = |name: &str| std::fs::read_to_string(shell.path(name)).unwrap_or_default();
    shell
        .mist(FOLDERS)
        .exits(3)
        .stdout_has("organ_dice      1.0000      0.0000      1.0000")
        .stdout_has("of 1 case; 2 more failed and are not in these numbers; see ")
        .stdout_has("scores_failures.csv\n");
    assert!(read("scores.csv").starts_with("id,organ_dice\na,1.0\nMean,1.0\n"), "{}", read("scores.csv"));
    let failures = read("scores_failures.csv");
    let lines: Vec<&str> = failures.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "id,stage,file,reason"), "{failures}");
    assert!(lines[1].starts_with("b,reading,") && lines[1].contains("/found/b.nii.gz,"), "{failures}");
    let missing = "/found/c.nii.gz,there is no such prediction";
    assert!(lines[2].starts_with("c,pairing,") && lines[2].ends_with(missing), "{failures}");

    shell
        .mist(&format!("{FOLDERS} --missing worst"))
        .exits(3)
        .stdout_has("organ_dice      0.3333")
        .stdout_has("of 3 cases; 2 of them failed and count as the worst; see ");
    assert!(read("scores.csv").starts_with("id,organ_dice\na,1.0\nb,0.0\nc,0.0\nMean,0.33"), "{}", read("scores.csv"));

    // Mended; the list of earlier failures is gone with them.
    write(&shell, "found/b.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "found/c.nii.gz", [0.0, 1.0, 1.0]);
    shell.mist(FOLDERS).exits(0).stdout_has("of 3 cases\n");
    assert!(!shell.path("scores_failures.csv").exists());
    shell.mist(&format!("{FOLDERS} --missing best")).exits(2).stderr_has("leave-out, worst");
}

#[test]
fn a_parameter_that_no_metric_has_is_an_error_before_any_case_is_read() {
    let shell = with_section();
    write(&shell, "truth/a.nii.gz", [0.0, 1.0, 1.0]);
    write(&shell, "found/a.nii.gz", [0.0, f32::NAN, 1.0]);
    shell.write("section.json", r#"{"organ": {"labels": [1], "metrics": {"surf_dice": {"tolerence": 2}}}}"#);
    shell
        .mist(FOLDERS)
        .exits(1)
        .stderr_has("`organ.metrics.surf_dice.tolerence`")
        .stderr_has("did you mean `tolerance`?");
}
