use super::*;
use serde_json::json;
use std::path::PathBuf;

mod check_tests;
mod errors;
mod round_trip;
mod update;

/// A file below `tests/golden`.
fn golden_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name)
}

/// The config that the reference wrote for a data set.
fn golden(data_set: &str) -> PathBuf {
    golden_file(&format!("pipeline/{data_set}/results/config.json"))
}

fn choices() -> Choices {
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    Choices {
        architectures: Some(names(&["mednext-base", "nnunet", "nnunet-pocket"])),
        losses: Some(names(&["bl", "dice", "dice_ce"])),
    }
}

fn load_golden(data_set: &str) -> Config {
    Config::load(&golden(data_set), &choices()).expect("a golden config loads")
}

/// The golden MR config as a value, for editing.
fn mr_value() -> Value {
    json::read(&golden("mr4")).expect("a golden config reads")
}

fn load_value(value: &Value) -> Result<Config> {
    Config::from_value(Path::new("results/config.json"), value.clone(), &choices())
}

#[test]
fn typed_values_are_those_of_the_file() {
    let config = load_golden("ct_aniso");
    assert_eq!(config.dataset_info.modality, Modality::Ct);
    assert_eq!(config.dataset_info.labels, [0, 1, 2, 4]);
    assert_eq!(config.spatial_config.patch_size, [64, 64, 28]);
    assert_eq!(config.spatial_config.target_spacing, [0.8499999940395355, 0.8499999940395355, 4.3]);
    let window = config.preprocessing.ct_normalization.window().expect("CT has a window");
    assert_eq!((window.window_min, window.z_score_std), (-39.0, 20.920184807103123));
    assert_eq!(config.model.params.out_channels, 4);
    assert_eq!(config.training.l2_penalty, 0.0001);
    assert!(config.inference.tta.flips());
    let classes: Vec<&str> = config.evaluation.classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!(classes, ["liver", "kidney", "spleen", "all"]);
    assert!(config.remarks().is_empty());
}

#[test]
fn absent_optional_keys_have_their_defaults() {
    let mut value = mr_value();
    let training = value["training"].as_object_mut().expect("a section");
    training.remove("warmup_epochs");
    training.remove("grad_clip_norm");
    value["inference"]["inferer"]["params"] = json!({});
    value["training"]["optimizer"] = json!("AdamW");
    let config = load_value(&value).expect("loads");
    assert_eq!(config.training.warmup_epochs, 0);
    assert_eq!(config.training.grad_clip_norm, 1.0);
    assert_eq!(config.training.optimizer, "adamw");
    assert_eq!(config.inference.inferer.params, InfererParams::default());
    assert_eq!(config.merged().expect("merges"), value, "a rewrite adds no defaults and keeps the spelling");
}

#[test]
fn weighting_params_default_one_by_one() {
    let mut value = mr_value();
    value["training"]["loss"]["composite_loss_weighting"] = json!({"name": "linear", "params": {"init_pause": -1}});
    let config = load_value(&value).expect("loads");
    let expected = LossWeighting::Linear { init_pause: -1, start_val: 1.0, end_val: 0.0 };
    assert_eq!(config.training.loss.composite_loss_weighting, Some(expected));
}

#[test]
fn misspelled_keys_are_remarked_on() {
    let mut value = mr_value();
    value["training"]["warmup_epoch"] = json!(3);
    value["training"].as_object_mut().expect("a section").remove("warmup_epochs");
    value["training"]["epochss"] = json!(3);
    value["comment"] = json!("mine");
    let config = load_value(&value).expect("loads");
    assert_eq!(
        config.remarks(),
        [
            "`training.warmup_epoch` is not a known key; did you mean `warmup_epochs`?",
            "`training.epochss` is not a known key and has no effect; `epochs` beside it has",
        ],
        "and keys that resemble nothing are not"
    );
}

#[test]
fn a_default_list_of_folds_follows_the_number_of_folds() {
    let folds =
        |folds: &[usize], nfolds| Training { folds: folds.to_vec(), nfolds, ..Training::default() }.folds_to_train();
    assert_eq!(folds(&[0, 1, 2, 3, 4], 5), [0, 1, 2, 3, 4]);
    assert_eq!(folds(&[0, 1, 2, 3, 4], 6), [0, 1, 2, 3, 4, 5]);
    assert_eq!(folds(&[0, 1, 2, 3, 4], 3), [0, 1, 2]);
    assert_eq!(folds(&[0, 1], 5), [0, 1], "a choice of folds stays one");
    assert_eq!(folds(&[3], 5), [3]);
}

#[test]
fn warmup_has_to_end_before_training_does() {
    let mut config = load_golden("mr4");
    config.training.epochs = 20;
    let error = config.check_for_training().expect_err("20 of 20 epochs are warm-up");
    insta::assert_snapshot!(error, @"`training.warmup_epochs` is 20: it must be below `training.epochs`, which is 20, or 0 for no warm-up");
    assert_eq!(error.advice(), Some("add --warmup-epochs 2"));
    config.training.warmup_epochs = 0;
    config.training.epochs = 0;
    config.check_for_training().expect("no warm-up fits any number of epochs");
}

#[test]
fn evaluation_loads_from_a_config_or_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("evaluation.json");
    std::fs::write(&path, mr_value()["evaluation"].to_string()).expect("written");
    let alone = EvaluationFile::load(&path).expect("loads");
    let within = EvaluationFile::load(&golden("mr4")).expect("loads");
    assert_eq!(alone.evaluation, within.evaluation);
    assert_eq!(alone.evaluation.classes.len(), 3);
    let labels = load_golden("mr4").dataset_info.labels;
    assert!(labels.iter().all(|label| within.known_labels.contains(label)), "{:?}", within.known_labels);

    let named_so = json!({"evaluation": {"labels": [1], "metrics": {"surf_dice": {"tolerance": 2.0}}}});
    std::fs::write(&path, named_so.to_string()).expect("written");
    let class = EvaluationFile::load(&path).expect("loads").evaluation.classes.remove(0);
    assert_eq!((class.name.as_str(), class.metrics[0].params["tolerance"].as_f64()), ("evaluation", Some(2.0)));
}
