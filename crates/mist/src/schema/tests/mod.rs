use super::*;
use crate::config::{Config, Evaluation};
use crate::dataset::Dataset;
use crate::golden;
use crate::json::Document;
use serde_json::json;
use std::path::{Path, PathBuf};

mod validator;

use validator::validate;

fn choices() -> Choices {
    Choices::of(&Registry::builtin())
}

/// Files of that name below the golden files.
fn golden_files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| match path.is_dir() {
        true => golden_files(&path, name),
        false if path.file_name().is_some_and(|file| file == name) => vec![path],
        false => Vec::new(),
    });
    found.collect()
}

/// A config in which every key stands, those that MIST does not have too.
fn full_config() -> Value {
    let mut value = golden::json("pipeline/mr4/results/config.json");
    value["model"]["params"]["kernel_size"] = json!(5);
    value["inference"]["inferer"]["params"]["sw_batch_size"] = json!(2);
    value["evaluation"]["one"]["metrics"]["lesion_wise_surf_dice"] = json!({"tolerance": 1.5, "min_lesion_volume": 3});
    let training = &mut value["training"];
    training["loss"]["composite_loss_weighting"] =
        json!({"name": "linear", "params": {"init_pause": 3, "end_val": 0.5}});
    training["loss"]["params"] = json!({"tau_mm": 2.0});
    training["checkpoint_minutes"] = json!(15);
    training["accumulation_steps"] = json!(2);
    training["ema_decay"] = json!(0.99);
    training["early_stopping_patience"] = json!(20);
    training["regions"] = json!({"whole": [1, 2], "core": [2]});
    training["class_weights"] = json!([1, 2.5]);
    for key in ["rotation", "elastic", "low_resolution", "gamma"] {
        training["augmentation"]["transforms"][key] = json!(true);
    }
    value["model"]["params"]["out_channels"] = json!(2);
    value
}

#[test]
fn every_golden_file_is_taken() {
    let schema = config(&choices());
    let mut files = golden_files(&golden::path("pipeline"), "config.json");
    files.push(golden::path("config/release_2.0.0rc0.json"));
    assert!(files.len() > 3);
    for file in files {
        validate(&schema, &crate::json::read(&file).unwrap()).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    }
    let descriptions = golden_files(&golden::path("pipeline"), "dataset.json");
    assert!(descriptions.len() > 2);
    for file in descriptions {
        validate(&dataset(), &crate::json::read(&file).unwrap())
            .unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    }
    validate(&schema, &full_config()).unwrap();
}

/// What analysis writes: [`Config::new`] from what it found.
#[test]
fn a_new_config_is_taken() {
    let found = Config::load(&golden::path("pipeline/ct_aniso/results/config.json"), &choices()).unwrap();
    let evaluation = Evaluation { classes: found.evaluation.classes };
    let config_of_run = Config::new(found.dataset_info, found.spatial_config, found.preprocessing, evaluation);
    validate(&config(&choices()), &Value::Object(as_map(config_of_run))).unwrap();
}

/// Beside it, too many folds could be taken for folds that the list of them does not fit.
#[test]
fn the_number_of_folds_has_the_limits_of_the_reader() {
    let with = |folds: i64| {
        let mut value = full_config();
        value["training"]["nfolds"] = json!(folds);
        value["training"]["folds"] = json!([0]);
        let document = Document::new(Path::new("config.json"));
        [validate(&config(&choices()), &value).is_ok(), Config::parse(&document, &value, &choices()).is_ok()]
    };
    for (folds, taken) in [(1, false), (2, true), (10_000, true), (10_001, false)] {
        assert_eq!(with(folds), [taken; 2], "{folds}");
    }
}

/// The file with one value replaced by each of many, or removed, or with a further key beside it.
fn variants(original: &Value) -> Vec<(String, Value)> {
    let words = ["", "x", "mask", "CT", "ADAM", "Dice", "none", "auto", "nnunet", "constant"].map(Value::from);
    let numbers = [json!(-2), json!(-1), json!(0), json!(1), json!(2), json!(3), json!(4), json!(300), json!(70_000)];
    let parts = [json!(-0.5), json!(0.5), json!(1.5), json!(1e9 + 0.5)];
    let structures =
        [json!(null), json!(true), json!([]), json!({}), json!([1]), json!([0, 1]), json!([2, 2]), json!({"x": 1})];
    let names = [json!({"a/b": [1]}), json!({" ": ["x"]}), json!({"id": ["x"]}), json!({"name": "cosine"})];
    let values: Vec<Value> = words.into_iter().chain(numbers).chain(parts).chain(structures).chain(names).collect();
    let mut all = Vec::new();
    for place in crate::json::pointers(original) {
        for value in &values {
            let mut edited = original.clone();
            *edited.pointer_mut(&place).unwrap() = value.clone();
            all.push((format!("{place} {value}"), edited));
        }
        let mut added = original.clone();
        if let Some(Value::Object(entries)) = added.pointer_mut(&place) {
            entries.insert("zz".into(), json!(1));
            all.push((format!("{place} with another key"), added));
        }
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        let mut removed = original.clone();
        if let Some(Value::Object(entries)) = removed.pointer_mut(parent).filter(|_| !key.is_empty()) {
            entries.remove(key);
            all.push((format!("{place} removed"), removed));
        }
    }
    all
}

/// Places where a value is right or wrong because of another place of the file, which a schema cannot say.
const TOGETHER: [&str; 13] = [
    "/dataset_info/images",
    "/dataset_info/labels",
    "/preprocessing/ct_normalization",
    "/model/params/in_channels",
    "/model/params/out_channels",
    "/training/nfolds",
    "/training/folds",
    "/training/regions",
    "/training/ignore_label",
    "/training/class_weights",
    "/evaluation",
    "/final_classes",
    "/labels",
];

/// The schema and the reader of a file are of one mind about every variant.
fn agree(schema: &Value, original: &Value, read: impl Fn(&Value) -> Result<()>) {
    let (mut checked, mut disputed) = ([0, 0], Vec::new());
    for (what, variant) in variants(original) {
        let (validated, read) = (validate(schema, &variant), read(&variant));
        match (&validated, &read) {
            (Ok(()), Ok(())) => checked[0] += 1,
            (Err(_), Err(_)) => checked[1] += 1,
            (Err(why), Ok(())) => disputed.push(format!("{what}: the reader takes it, the schema says {why}")),
            (Ok(()), Err(_)) if TOGETHER.iter().any(|place| what.starts_with(place)) => {}
            (Ok(()), Err(why)) => disputed.push(format!("{what}: the schema takes it, the reader says {why}")),
        }
    }
    assert!(disputed.is_empty(), "{}", disputed.join("\n"));
    assert!(checked.iter().all(|count| *count > 100), "{checked:?}");
}

#[test]
fn the_schema_of_configs_is_of_one_mind_with_the_reader() {
    let read = |value: &Value| {
        let document = Document::new(Path::new("config.json"));
        Config::parse(&document, value, &choices()).map(drop)
    };
    let schema = config(&choices());
    agree(&schema, &full_config(), read);
    agree(&schema, &golden::json("pipeline/ct_aniso/results/config.json"), read);
}

#[test]
fn the_schema_of_descriptions_is_of_one_mind_with_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dataset.json");
    // Any text that names no folder is refused by the reader alone; these do.
    for name in ["x", "mask", "CT", "ADAM", "Dice", "none", "auto", "nnunet", "constant"] {
        std::fs::create_dir_all(folder.path().join(name).join("case")).unwrap();
    }
    let mut original = golden::json("pipeline/mr4/dataset.json");
    original["train-data"] = json!("x");
    original["test-data"] = json!("mask");
    agree(&dataset(), &original, |value| Dataset::parse(&path, &Document::new(&path), value).map(drop));
}

/// Keys that the reader asks for and the schema does not know would be a surprise in an editor.
#[test]
fn every_key_is_described() {
    fn check(schema: &Value, value: &Value, path: &str) {
        let Value::Object(entries) = value else { return };
        for (key, value) in entries {
            let of_all = schema.get("additionalProperties").filter(|rule| rule.is_object());
            let property = schema["properties"].get(key).or(of_all);
            let Some(property) = property else {
                // Parameters of losses are the losses' own; those of weightings stand under `anyOf`.
                assert!(path.starts_with("/training/loss/"), "{path}/{key}");
                continue;
            };
            assert!(property["description"].is_string(), "{path}/{key}");
            check(property, value, &format!("{path}/{key}"));
        }
    }
    check(&config(&choices()), &full_config(), "");
    check(&dataset(), &golden::json("pipeline/mr4/dataset.json"), "");
}

#[test]
fn names_are_those_of_the_registry() {
    let registry = Registry::builtin().model("my-model", |_| unreachable!());
    let schema = config(&Choices::of(&registry));
    let names = &schema["properties"]["model"]["properties"]["architecture"];
    assert!(names["enum"].as_array().unwrap().contains(&json!("my-model")), "{names}");
    assert_eq!(names["default"], "nnunet");
    assert_eq!(schema["properties"]["training"]["properties"]["epochs"]["default"], 1000);
    let any = config(&Choices::any());
    assert_eq!(any["properties"]["model"]["properties"]["architecture"]["type"], "string");
}
