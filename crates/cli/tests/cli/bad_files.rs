//! Files in the place of folders, folders in the place of files, and files that cannot be read.

use crate::scans::{data_set, prepared, set};
use crate::shell::Shell;
use std::path::Path;

#[test]
fn a_file_where_a_folder_is_needed_is_named() {
    let shell = prepared();
    shell.write("file", "of somebody");
    shell.write("cases.csv", "id,mask,mr\n015,data/train/015/mask.nii.gz,data/train/015/mr.nii.gz\n");
    std::fs::create_dir(shell.path("models")).expect("a folder");
    let predict = "predict --config results/config.json";
    for line in [
        "analyze --data data/dataset.json --results file",
        "analyze --data data/dataset.json --results file/below",
        "preprocess --results results --numpy file",
        "preprocess --results file",
        "train --results file",
        "train --numpy file",
        "run-all --data data/dataset.json --results file",
        "finalize --results file",
        "convert-msd --source file --output out",
        "convert-csv --train-csv cases.csv --output file",
        "demo --output file",
        &format!("{predict} --models-dir file --images data/train --output out"),
        &format!("{predict} --models-dir models --images file --output out"),
        "evaluate --config results/config.json --masks file --predictions data --output-csv scores.csv",
        "evaluate --config results/config.json --masks data --predictions file --output-csv scores.csv",
        "evaluate --config results/config.json --masks data --predictions data --output-csv file/scores.csv",
    ] {
        let said = shell.mist(line).exits(1).stderr_has("hint: ").stderr();
        let named = said.contains("it is a file, not a folder") || said.contains("a file where a folder is needed");
        assert!(named && said.contains("file)"), "{line}\n{said}");
        assert!(!said.contains("os error"), "{line}\n{said}");
    }
    assert_eq!(std::fs::read_to_string(shell.path("file")).expect("a file"), "of somebody");
    assert!(!shell.path("out").exists() && !shell.path("scores.csv").exists());
}

#[test]
fn a_folder_where_a_file_is_needed_is_named() {
    let shell = prepared();
    std::fs::create_dir(shell.path("models")).expect("a folder");
    shell.write("pairs.csv", "id,mask,prediction\n015,data/train/015/mask.nii.gz,data/train/015/mask.nii.gz\n");
    for (line, said) in [
        ("analyze --data data --results other", "data/dataset.json?"),
        ("convert-csv --train-csv data --output other", "it is a folder, not a file"),
        ("evaluate --config results --paths-csv pairs.csv --output-csv scores.csv", "it is a folder, not a file"),
        (
            "evaluate --config results/config.json --paths-csv data --output-csv scores.csv",
            "it is a folder, not a file",
        ),
        ("evaluate --config results/config.json --paths-csv pairs.csv --output-csv data", "--output-csv"),
        ("predict --models-dir models --config results --images data/train --output out", "it is a folder, not a file"),
        (
            "predict --models-dir models --config results/config.json --paths-csv data --output out",
            "it is a folder, not a file",
        ),
    ] {
        shell.mist(line).exits(1).stderr_has("hint: ").stderr_has(said);
    }
}

/// A configuration beside tables of another analysis would be taken for theirs.
#[test]
fn an_analysis_that_cannot_be_written_leaves_no_configuration() {
    let shell = data_set();
    let line = "analyze --data data/dataset.json --nfolds 3";
    shell.mist(line).exits(0);
    std::fs::create_dir(shell.path("results/test_paths.csv")).expect("a folder");
    shell.mist(&format!("{line} --overwrite")).exits(1).stderr_has("test_paths.csv");
    assert!(!shell.path("results/config.json").exists());
    std::fs::remove_dir(shell.path("results/test_paths.csv")).expect("removed");
    shell.mist(line).exits(0);
}

#[test]
fn a_decathlon_description_is_recognized() {
    let shell = Shell::new();
    let description = r#"{"name": "Lung", "modality": {"0": "CT"}, "labels": {"0": "background", "1": "cancer"},
        "numTraining": 1, "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}], "test": []}"#;
    shell.write("dataset.json", description);
    for command in ["analyze", "run-all"] {
        shell
            .mist(&format!("{command} --data dataset.json"))
            .exits(1)
            .stderr_has("Medical Segmentation Decathlon")
            .stderr_has("hint: run `mist convert-msd --source ");
    }
}

#[test]
fn a_run_without_models_is_told_to_train_first() {
    let shell = prepared();
    shell
        .mist("finalize")
        .exits(1)
        .stderr_has("no fold has a model yet")
        .stderr_has("hint: run `mist train --results ");
    assert!(!shell.path("results/results.csv").exists());
}

/// Takes away the right to read the file. False for users whom such rights do not stop.
#[cfg(unix)]
fn forbid(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o000)).expect("own file");
    std::fs::File::open(file).is_err()
}

/// Ways in which a scan cannot be read, and what is said of them. Each is reported; the other cases go on.
#[cfg(unix)]
#[test]
fn scans_that_cannot_be_read_are_reported_and_left_out() {
    let shell = data_set();
    let scan = |id: &str| shell.path("data/train").join(id).join("mr.nii.gz");
    shell.mist("analyze --data data/dataset.json --nfolds 2 --results before").exits(0);

    let replace_by_link = |id: &str| {
        std::fs::remove_file(scan(id)).expect("removed");
        std::os::unix::fs::symlink(shell.path("nowhere.nii.gz"), scan(id)).expect("a link");
    };
    replace_by_link("015");
    std::fs::remove_file(scan("036")).expect("removed");
    std::fs::create_dir(scan("036")).expect("a folder");
    let forbidden = forbid(&scan("057"));
    if !forbidden {
        println!("skipped in part: this user may read files without the right to");
    }
    let expect = |line: &str| {
        let said = shell.mist(line).exits(3).stderr_has("015: failed").stderr_has("036: failed").stderr();
        assert!(said.contains("015/mr.nii.gz: cannot open the file: No such file"), "{line}\n{said}");
        assert_eq!(
            said.contains("057/mr.nii.gz: cannot open the file: Permission denied"),
            forbidden,
            "{line}\n{said}"
        );
        said
    };
    expect("analyze --data data/dataset.json --nfolds 2");
    let said = expect("preprocess --results before");
    assert!(said.contains("036/mr.nii.gz: cannot read the file: Is a directory"), "{said}");
    assert!(shell.path("numpy/images/088.npy").exists() && !shell.path("numpy/images/015.npy").exists());

    let pair = |id: &str, file: &str| format!("{id},data/train/{id}/{file},data/train/{id}/mask.nii.gz\n");
    let table = ["015", "036", "057"].map(|id| pair(id, "mr.nii.gz")).concat() + &pair("088", "mask.nii.gz");
    shell.write("pairs.csv", &format!("id,mask,prediction\n{table}"));
    expect("evaluate --config before/config.json --paths-csv pairs.csv --output-csv scores.csv");
}

#[cfg(unix)]
#[test]
fn descriptions_that_cannot_be_read_are_errors() {
    let shell = data_set();
    std::os::unix::fs::symlink(shell.path("nowhere"), shell.path("link.json")).expect("a link");
    shell.mist("analyze --data link.json").exits(1).stderr_has("link.json): No such file");
    shell.mist("analyze --data data/dataset.json --nfolds 2").exits(0);
    for file in ["config.json", "train_paths.csv", "fg_bboxes.csv"] {
        if forbid(&shell.path("results").join(file)) {
            shell.mist("preprocess --results results").exits(1).stderr_has(file).stderr_has("Permission denied");
        } else {
            println!("skipped: this user may read files without the right to");
        }
        std::fs::remove_file(shell.path("results").join(file)).expect("removed");
        std::fs::create_dir(shell.path("results").join(file)).expect("a folder");
        shell.mist("preprocess --results results").exits(1).stderr_has(file);
        std::fs::remove_dir_all(shell.path("results")).expect("removed");
        shell.mist("analyze --data data/dataset.json --nfolds 2").exits(0);
    }
}

/// Whatever command reads the file, and also where the right key stands beside the wrong one.
#[test]
fn a_misspelled_key_is_remarked_on_by_every_command() {
    let shell = prepared();
    set(&shell, r#""nfolds": 3"#, r#""nfolds": 3, "nfold": 4"#);
    set(&shell, r#""metrics": {"#, r#""metric": {}, "metrics": {"#);
    std::fs::create_dir(shell.path("models")).expect("a folder");
    const OF_CLASS: &str = ".metric` is not a known key and has no effect; `metrics` beside it has";
    for (line, status) in [
        ("preprocess --results results --overwrite", 0),
        ("train --epochs 1", 1),
        ("finalize", 1),
        ("predict --models-dir models --config results/config.json --images data/train --output out", 1),
    ] {
        shell
            .mist(line)
            .exits(status)
            .stderr_has("warning: `training.nfold` is not a known key and has no effect; `nfolds` beside it has")
            .stderr_has(OF_CLASS);
    }
    shell.write("pairs.csv", "id,mask,prediction\n015,data/train/015/mask.nii.gz,data/train/015/mask.nii.gz\n");
    shell
        .mist("evaluate --config results/config.json --paths-csv pairs.csv --output-csv scores.csv")
        .exits(0)
        .stderr_has(OF_CLASS);
}
