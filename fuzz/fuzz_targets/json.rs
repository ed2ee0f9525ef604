//! Bytes as a JSON file, and as each file of a run that is one: no panic, no more memory than a text of its size justifies,
//! and what is read is written and read again.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use mist::config::{Choices, Config, EvaluationFile};
use mist::console::Silent;
use mist::dataset::Dataset;
use mist::postprocess::Strategy;
use mist::{json, model_record};
use mist_nn::Registry;
use std::path::Path;
use std::sync::LazyLock;
use support::{with_file, within_twice};

/// A value of two bytes in the text, such as `1,`, takes 72 in memory, and twice that while its list grows.
const PER_BYTE: usize = 128;

static CHOICES: LazyLock<[Choices; 2]> = LazyLock::new(|| [Choices::of(&Registry::builtin()), Choices::any()]);

fuzz_target!(|bytes: &[u8]| {
    LazyLock::force(&CHOICES);
    with_file("input.json", bytes, |path| {
        let limit = PER_BYTE * bytes.len();
        let Ok(value) = within_twice(limit, || json::read(path)) else { return };
        let text = json::to_text(&value);
        assert_eq!(json::parse(&text).expect("what was written is sound"), value);
        for choices in &*CHOICES {
            if let Ok(config) = within_twice(limit, || Config::load(path, choices)) {
                within_twice(limit, || derive(&config));
                check_saved(&config, &value, choices, &path.with_file_name("saved.json"));
            }
        }
        // In this folder `"train-data": "."` is a folder with something in it.
        let _ = within_twice(limit, || Dataset::load(path));
        let _ = within_twice(limit, || EvaluationFile::load(path));
        // The record lies beside the weights.
        let _ = within_twice(limit, || model_record::read(&path.with_extension("pt")));
        if let Ok(strategy) = within_twice(limit, || Strategy::load(path, &Silent)) {
            let described = strategy.describe();
            let (again, _) = Strategy::parse(&described).expect("what was described is sound");
            assert_eq!(again.describe(), described);
        }
    });
});

/// What the stages work out from a configuration before anything else.
fn derive(config: &Config) {
    let training = &config.training;
    let _ = config.check_for_training();
    let _ = (training.folds_to_train(), training.checkpoint_interval(), training.steps_per_epoch(1));
    let _ = training.outputs(config.dataset_info.labels.len());
}

/// Saving what was not changed changes nothing.
fn check_saved(config: &Config, value: &serde_json::Value, choices: &Choices, path: &Path) {
    config.save(path).expect("the file can be written");
    assert_eq!(&json::read(path).expect("what was written is sound"), value);
    assert!(&Config::load(path, choices).expect("what was written is sound") == config);
}
