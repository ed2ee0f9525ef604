use super::*;
use crate::console::{Bar, TrainingPlan, TrainingStatus, TrainingView};
use mist_nn::Registry;
use std::sync::Mutex;

/// Remembers what was said.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Console for Listener {
    fn section(&self, _: &str) {}
    fn info(&self, text: &str) {
        self.0.lock().expect("one thread").push(text.to_owned());
    }
    fn warn(&self, _: &str) {}
    fn error(&self, _: &str) {}
    fn success(&self, text: &str) {
        self.info(text);
    }
    fn bar(&self, _: &str, _: u64) -> Box<dyn Bar> {
        unreachable!("nothing takes long here")
    }
    fn training(&self, _: TrainingPlan, _: TrainingStatus) -> Box<dyn TrainingView> {
        unreachable!("nothing is trained here")
    }
}

/// What `config check` says of a value written as a file, the folder left out.
fn checked(value: &Value) -> (Vec<String>, Result<()>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    std::fs::write(&path, json::to_text(value)).expect("written");
    let options = check::Options { config: Some(path), dataset: None };
    let listener = Listener::default();
    let outcome = check::run(&options, &Registry::builtin(), &listener).map(drop);
    let said = listener.0.into_inner().expect("one thread");
    let folder = format!("{}/", folder.path().display());
    (said.iter().map(|text| text.replace(&folder, "")).collect(), outcome)
}

/// The golden MR config as one that can be trained.
fn trainable() -> Value {
    let mut value = mr_value();
    value["spatial_config"]["patch_size"] = json!([32, 32, 32]);
    value
}

#[test]
fn an_error_names_line_and_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.json");
    let text = json::to_text(&mr_value()).replace("\"adamw\"", "\"adamv\"");
    std::fs::write(&path, &text).expect("written");
    let line = 1 + text.lines().position(|line| line.contains("adamv")).expect("a line");
    let error = Config::load(&path, &choices()).expect_err("no such optimizer").to_string();
    assert!(error.contains(&format!("config.json:{line}:5): it must be one of adam, adamw, sgd")), "{error}");
    let without = text.replace("    \"optimizer\": \"adamv\",\n", "");
    std::fs::write(&path, &without).expect("written");
    let line = 1 + without.lines().position(|line| line.contains("\"training\"")).expect("a line");
    let error = Config::load(&path, &choices()).expect_err("no optimizer").to_string();
    assert!(error.ends_with(&format!("config.json:{line}:3)")), "the section that lacks it: {error}");
}

#[test]
fn a_sound_config_is_fine() {
    let (said, outcome) = checked(&trainable());
    assert_eq!(said, ["config.json is fine"]);
    outcome.expect("fine");
}

#[test]
fn all_problems_are_found_at_once() {
    let mut value = trainable();
    value["dataset_info"]["modality"] = json!("mri");
    value["spatial_config"]["target_spacing"][1] = json!(-1);
    value["preprocessing"].as_object_mut().expect("a section").remove("skip");
    value["model"]["params"]["in_channels"] = json!(7);
    value["training"]["optimizer"] = json!("adamv");
    value["training"]["epochs"] = json!(-1);
    value["training"]["loss"]["composite_loss_weighting"] = json!({"name": "linear", "params": {"start": 1.0}});
    value["training"]["augmentation"]["transforms"]["flip"] = json!(true);
    value["training"]["hardware"] = json!([]);
    value["inference"]["inferer"]["params"]["patch_overlap"] = json!(1);
    value["evaluation"]["one"]["metrics"] = json!({"haus59": {}, "dice": 1});
    value["evaluation"]["two"]["labels"] = json!([9]);
    value["training"]["seeed"] = json!(1);
    value["comment"] = json!("mine");
    value["$schema"] = json!("config.schema.json");
    let (said, outcome) = checked(&value);
    insta::assert_snapshot!(said.join("\n"));
    insta::assert_snapshot!(outcome.expect_err("many problems"), @"there are 13 problems");
}

#[test]
fn consequences_of_wrong_labels_are_not_listed() {
    let mut value = trainable();
    value["dataset_info"]["labels"] = json!([0, 1, 2, 2]);
    value["training"]["class_weights"] = json!([1, 1, 1, 1]);
    value["training"]["amp"] = json!(1);
    let (said, outcome) = checked(&value);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("`dataset_info.labels[3]` is 2") && said[1].contains("`training.amp` is 1"), "{said:?}");
    outcome.expect_err("two problems");
}

#[test]
fn what_training_would_refuse_is_a_problem() {
    let mut value = trainable();
    value["spatial_config"]["patch_size"] = json!([36, 32, 32]);
    value["training"]["epochs"] = json!(5);
    value["training"]["loss"]["params"] = json!({"tau_mm": 1});
    let (said, _) = checked(&value);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].contains("the network `nnunet` cannot be built"), "{said:?}");
    assert!(said[1].contains("the loss dice_ce cannot be built"), "{said:?}");
    assert!(said[2].contains("`training.warmup_epochs` is 20"), "{said:?}");
}

#[test]
fn a_training_of_no_epochs_is_a_problem() {
    let mut value = trainable();
    value["training"]["epochs"] = json!(0);
    value["training"]["warmup_epochs"] = json!(0);
    let (said, _) = checked(&value);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("`training.epochs` is 0: there is nothing to train"), "{said:?}");
}

#[test]
fn a_file_that_is_no_config_is_refused_without_end() {
    for value in [json!({}), json!([1]), json!({"training": 3, "evaluation": []})] {
        let (said, outcome) = checked(&value);
        assert!(!said.is_empty());
        outcome.expect_err("no config");
    }
}

proptest::proptest! {
    /// Whatever the readers refuse, the check says so, and it ends.
    #[test]
    fn checking_and_loading_agree(place in 0usize..400, with in 0usize..8) {
        let mut value = trainable();
        let places = json::pointers(&value);
        let new = [json!(null), json!(-1), json!("x"), json!([]), json!({}), json!(0.5), json!([9, 9]), json!({"x": {}})];
        *value.pointer_mut(&places[place % places.len()]).expect("a place") = new[with].clone();
        let loads = Config::from_value(Path::new("config.json"), value.clone(), &Choices::of(&Registry::builtin()));
        let (_, outcome) = checked(&value);
        if loads.is_err() {
            proptest::prop_assert!(outcome.is_err());
        }
    }
}
