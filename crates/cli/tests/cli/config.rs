//! `mist schema` and `mist config`.

use crate::scans::{data_set, set};
use crate::shell::Shell;
use serde_json::Value;

#[test]
fn schemas_are_printed() {
    let shell = Shell::new();
    let parsed = |line: &str| -> Value {
        let text = shell.mist(line).exits(0).stdout();
        serde_json::from_str(&text).expect("JSON and nothing else")
    };
    for (file, key) in [("config", "training"), ("dataset", "train-data")] {
        let schema = parsed(&format!("schema {file}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema["properties"][key]["description"].is_string(), "{schema}");
    }
    let names = &parsed("schema config")["properties"]["model"]["properties"]["architecture"]["enum"];
    assert!(names.as_array().expect("a list").contains(&"swinunetr-small".into()), "{names}");
    shell.mist("schema").exits(2).stderr_has("<FILE>");
    shell.mist("schema results").exits(2).stderr_has("dataset, config");
}

#[test]
fn a_config_is_checked_as_a_whole() {
    let shell = data_set();
    shell.mist("analyze --data data/dataset.json --nfolds 3").exits(0);
    let check = "config check results/config.json --dataset data/dataset.json";
    shell.mist(check).exits(0).stdout_has("config.json is fine").stdout_has("dataset.json is fine");

    let swapped = "config check data/dataset.json --dataset results/config.json";
    shell.mist(swapped).exits(1).stdout_has("description of a data set").stdout_has("configuration of a run");

    set(&shell, r#""seed": 42"#, r#""seed": 42, "epoch": 3"#);
    shell
        .mist("config check results/config.json")
        .exits(0)
        .stdout_has("warning: `training.epoch` is not a known key and has no effect; `epochs` beside it has")
        .stdout_has("there is 1 unknown key");

    set(&shell, r#""optimizer": "adamw""#, r#""optimizer": "adamv""#);
    set(&shell, r#""patch_overlap": 0.5"#, r#""patch_overlap": 5"#);
    let text = std::fs::read_to_string(shell.path("results/config.json")).expect("a config");
    let line = 1 + text.lines().position(|line| line.contains("adamv")).expect("a line");
    shell
        .mist("config check results/config.json")
        .exits(1)
        .stdout_has(&format!("config.json:{line}:5: error: `training.optimizer` is \"adamv\""))
        .stdout_has("one of adam, adamw, sgd; did you mean \"adamw\"?")
        .stdout_has("`inference.inferer.params.patch_overlap` is 5")
        .stdout_has("warning: `training.epoch`")
        .stderr_has("there are 2 problems");
    shell.mist("preprocess --results results").exits(1).stderr_has(&format!("config.json:{line}:5)"));
}

/// What stands in `model.params` is for the architecture to judge.
#[test]
fn parameters_of_a_network_are_checked_by_it() {
    let shell = data_set();
    shell.mist("analyze --data data/dataset.json --nfolds 3").exits(0);
    set(&shell, r#""in_channels": 1"#, r#""in_channels": 1, "kernel_size": 4"#);
    shell.mist("config check results/config.json").exits(0);
    set(&shell, r#""architecture": "nnunet""#, r#""architecture": "mednext-small""#);
    let text = std::fs::read_to_string(shell.path("results/config.json")).expect("a config");
    let line = 1 + text.lines().position(|line| line.contains("kernel_size")).expect("a line");
    shell
        .mist("config check results/config.json")
        .exits(1)
        .stdout_has(&format!("config.json:{line}:"))
        .stdout_has("`kernel_size` must be 3, 5 or 7, not 4");
}

#[test]
fn a_description_is_checked_as_a_whole() {
    let shell = data_set();
    shell.write(
        "data/dataset.json",
        "{\n  \"task\": 1, \"modality\": \"mri\",\n  \"train-data\": \"trian\", \"mask\": [\"mask\"], \n  \"label\": [0, 1, 2], \
         \"images\": {\"mr\": \"mr\"}\n}",
    );
    shell
        .mist("config check --dataset data/dataset.json")
        .exits(1)
        .stdout_has("dataset.json:2:3: error: `task` is 1: it must be a string")
        .stdout_has("dataset.json:2:14: error: `modality` is \"mri\"")
        .stdout_has("dataset.json:3:3: error: `train-data` is \"trian\"")
        .stdout_has("error: `labels` is missing; is `label` meant to be `labels`?")
        .stdout_has("dataset.json:4:34: error: `images.mr` is \"mr\"")
        .stdout_lacks("warning")
        .stderr_has("there are 5 problems");
    shell.mist("config check").exits(2).stderr_has("Usage: mist config check");
    shell.mist("config check nowhere.json").exits(1).stderr_has("nowhere.json");
    shell.write("broken.json", "{\n  \"a\": }");
    shell.mist("config check broken.json").exits(1).stderr_has("broken.json").stderr_has("line 2, column 8");
}

#[test]
fn two_configs_are_compared() {
    let shell = Shell::new();
    shell.write("a.json", r#"{"training": {"epochs": 5, "amp": true, "folds": [0, 1]}, "note": 1}"#);
    shell.write("b.json", r#"{"note": 1.0, "training": {"folds": [0], "amp": true, "epochs": 5, "ema_decay": 0.9}}"#);
    let same = shell.mist("config diff a.json a.json").exits(0);
    assert_eq!((same.stdout(), same.stderr()), (String::new(), String::new()));
    let different = shell.mist("config diff a.json b.json").exits(1);
    let expected = "training.folds: [0,1] -> [0]\ntraining.ema_decay: 0.9, only in the second file\n";
    assert_eq!((different.stdout().as_str(), different.stderr().as_str()), (expected, ""));
    shell.mist("config diff a.json nowhere.json").exits(2).stderr_has("nowhere.json");
}
