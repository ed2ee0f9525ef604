//! From tables of real scans to an analyzed data set.

use crate::shell::Shell;
use mist_volume::nifti::{self, Datatype};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The public hippocampus task, or the part of it that comes with the program.
fn task() -> PathBuf {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("MIST_TEST_DATA").map_or(shared, PathBuf::from).join("Task04_Hippocampus");
    let assets = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../mist/assets/hippocampus");
    let folder = if data.is_dir() { data } else { assets() };
    folder.canonicalize().expect("scans")
}

/// File names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Ten training and two test cases. The table names masks relative to itself, the first of them not compressed, and scans
/// by absolute paths.
fn tables() -> (Shell, Vec<String>) {
    let (shell, task) = (Shell::new(), task());
    let copied = |from: &str, name: &str, to: &str| {
        let target = shell.path(to).join(name);
        std::fs::create_dir_all(shell.path(to)).expect("a folder");
        std::fs::copy(task.join(from).join(name), &target).expect("a copy");
        target
    };
    let first = |folder: &str, count: usize| -> Vec<String> {
        names(&task.join(folder)).into_iter().filter(|name| !name.starts_with('.')).take(count).collect()
    };
    let (mut train, mut test) = ("id,mask,T1 weighted\n".to_owned(), "id,T1 weighted\n".to_owned());
    let mut ids = Vec::new();
    for name in first("imagesTr", 10) {
        let id = name.trim_start_matches("hippocampus_").trim_end_matches(".nii.gz");
        let mask = copied("labelsTr", &name, "lists/masks");
        let mask = if ids.is_empty() {
            let volume = nifti::read(&mask).expect("a mask");
            nifti::write_as(&mask.with_extension(""), &volume, Datatype::U8).expect("written");
            std::fs::remove_file(mask).expect("removed");
            name.trim_end_matches(".gz")
        } else {
            &name
        };
        train += &format!("{id},masks/{mask},{}\n", copied("imagesTr", &name, "scans").display());
        ids.push(id.to_owned());
    }
    for name in first("imagesTs", 2) {
        let id = name.trim_end_matches(".nii.gz");
        test += &format!("{id},{}\n", copied("imagesTs", &name, "scans").display());
    }
    shell.write("lists/train.csv", &train);
    shell.write("lists/test.csv", &test);
    (shell, ids)
}

fn fill_in(shell: &Shell) {
    let path = shell.path("data/dataset.json");
    let mut description: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    for (key, value) in [
        ("task", json!("hippocampus")),
        ("modality", json!("mr")),
        ("labels", json!([0, 1, 2])),
        ("final_classes", json!({"anterior": [1], "posterior": [2]})),
    ] {
        assert_eq!(description[key], Value::Null);
        description[key] = value;
    }
    std::fs::write(path, description.to_string()).expect("written");
}

#[test]
fn scans_of_tables_are_converted_and_analyzed() {
    for link in ["copy", "hard"] {
        let (shell, ids) = tables();
        let line = format!(
            "convert-csv --train-csv lists/train.csv --test-csv lists/test.csv --output data --link {link} \
             --num-workers-conversion 2"
        );
        shell.mist(&line).exits(0).stdout_has("converted 10 training and 2 test cases").stdout_has("replace null in");
        shell.mist("analyze --data data/dataset.json").exits(1).stderr_has("`task` is null");
        fill_in(&shell);
        shell.mist("analyze --data data/dataset.json --nfolds 3 --verify").exits(0);
        let table = std::fs::read_to_string(shell.path("results/train_paths.csv")).expect("a table");
        let mut analyzed: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        analyzed.sort_unstable();
        assert_eq!(analyzed, ids, "leading zeros stay");
        assert!(table.starts_with("id,fold,mask,T1 weighted\n"), "{table}");
        let table = std::fs::read_to_string(shell.path("results/test_paths.csv")).expect("a table");
        assert_eq!(table.lines().count(), 3);
        shell.mist(&line).exits(1).stderr_has("the output folder is not empty").stderr_has("--overwrite");
        shell.mist(&format!("{line} --overwrite")).exits(0);
    }
}

#[test]
fn what_is_wrong_with_tables_is_said_before_anything_is_written() {
    let (shell, ids) = tables();
    let table = std::fs::read_to_string(shell.path("lists/train.csv")).expect("a table");
    let convert = |text: &str| {
        shell.write("lists/train.csv", text);
        shell.mist("convert-csv --train-csv lists/train.csv --output data")
    };
    for (text, said) in [
        (table.replace("id,", "ID,"), "they are ID, mask, T1 weighted"),
        (table.replace("T1 weighted", "T1/weighted"), "column 3 is \"T1/weighted\""),
        (table.replace(',', ";"), "hint: separate the columns by commas"),
        (table.clone() + &table.lines().nth(1).expect("a row").replace(".nii,", ".nii.gz,"), "is also on line 2"),
    ] {
        convert(&text).exits(1).stderr_has("lists/train.csv").stderr_has(said).stderr_has("hint: ");
        assert!(!shell.path("data").exists(), "{text}");
    }
    let none = table.replace("masks/", "nowhere/");
    convert(&none).exits(1).stderr_has("line 11, column `mask`").stderr_has("no training case could be converted");
    assert!(!shell.path("data").exists());

    let missing = table.replace(&format!("masks/hippocampus_{}", ids[4]), "nowhere");
    let empty = missing.replace(&format!("masks/hippocampus_{}.nii,", ids[0]), ",");
    let said = convert(&empty).exits(3).stdout_has("converted 8 training").stderr();
    for (line, problem) in [(2, "the cell is empty"), (6, "there is no file nowhere")] {
        assert!(said.contains(&format!("line {line}, column `mask`: {problem}")), "{said}");
    }
    assert!(said.contains("2 cases failed:"), "{said}");
    assert_eq!(names(&shell.path("data/raw/train")).len(), 8);

    // What was made of a scan that is broken now is still there.
    let scan = shell.path("scans").join(format!("hippocampus_{}.nii.gz", ids[1]));
    std::fs::write(&scan, b"cut").expect("written");
    let line = "convert-csv --train-csv lists/train.csv --output data --overwrite";
    shell.mist(line).exits(3).stderr_has(&format!("train/{} is of an earlier conversion", ids[1]));
}
