//! Converting again keeps what the user has written into the description.

use super::*;

const TABLE: [&str; 2] = ["id,mask,t1", "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz"];

/// Converted once, and the description changed by the user.
fn edited(edit: impl FnOnce(&mut Value)) -> (Folders, Options) {
    let folders = Folders::with_scans();
    folders.table("train.csv", &TABLE);
    folders.table("test.csv", &["id,t1", "b,scans/b_t1.nii.gz"]);
    folders.convert().expect("converts");
    let path = folders.output().join("dataset.json");
    let mut description = json::read(&path).expect("JSON");
    edit(&mut description);
    fs::write(path, description.to_string()).expect("written");
    let mut options = folders.options();
    options.target.overwrite = true;
    (folders, options)
}

fn description(folders: &Folders) -> Value {
    json::read(&folders.output().join("dataset.json")).expect("JSON")
}

#[test]
fn what_tables_do_not_say_stays() {
    let (folders, options) = edited(|description| {
        description["$schema"] = json!("./dataset.schema.json");
        description["task"] = json!("tumours");
        description["labels"] = json!([0, 1, 2]);
        description["images"] = json!({"t1": ["renamed"]});
    });
    folders.table("train.csv", &["id,mask,t2", "a,scans/a_mask.nii.gz,scans/a_t2.nii.gz"]);
    let console = Recorder::default();
    let again = Options { test_csv: None, ..options };
    run(&again, &mist_nn::Registry::builtin(), &console).expect("converts");
    assert_eq!(
        description(&folders),
        json!({
            "task": "tumours", "modality": null, "train-data": "raw/train", "mask": ["mask.nii.gz"],
            "images": {"t2": ["t2.nii.gz"]}, "labels": [0, 1, 2], "final_classes": null,
            "$schema": "./dataset.schema.json"
        })
    );
    let said = console.warnings().join("\n");
    assert!(said.contains("dataset.json, check whether it still holds: ") && said.contains("task, labels"), "{said}");
}

#[test]
fn what_is_filled_in_is_not_asked_for_again() {
    let description = json!({"task": "t", "modality": null, "labels": [0, 1], "final_classes": null});
    let console = Recorder::default();
    say_what_is_open(&description, Path::new("dataset.json"), &console);
    let said = console.others().join("\n");
    assert!(said.contains("modality       \"ct\"") && said.contains("final_classes  what"), "{said}");
    assert!(!said.contains("any name") && !said.contains("labels  "), "{said}");
    let console = Recorder::default();
    let all = json!({"task": "t", "modality": "mr", "labels": [0, 1], "final_classes": {"one": [1]}});
    say_what_is_open(&all, Path::new("dataset.json"), &console);
    assert!(console.others().is_empty());
}

#[test]
fn a_broken_description_is_not_replaced() {
    for text in ["{\"task\": \"tumours\",", "[1, 2]"] {
        let (folders, options) = edited(|_| ());
        let path = folders.output().join("dataset.json");
        fs::write(&path, text).expect("written");
        let error = run(&options, &mist_nn::Registry::builtin(), &Silent).expect_err("nothing is lost");
        assert!(error.to_string().contains("dataset.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("reads"), text);
    }
}
