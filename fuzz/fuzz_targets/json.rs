//! Bytes as a JSON file, and as each file of a run that is one: no panic, no more memory than a text of its size justifies,
//! and what is read is written and read again.

#![no_main]

mod support;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use mist::config::{Choices, Config, EvaluationFile};
use mist::console::Silent;
use mist::dataset::Dataset;
use mist::postprocess::Strategy;
use mist::{json, model_record};
use mist_nn::Registry;
use serde_json::{Value, json as value};
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

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // Changed bytes rarely leave a configuration that means anything: half of the changes are of one value of it.
    let text = data.get(..size).filter(|_| seed.is_multiple_of(2)).and_then(|bytes| std::str::from_utf8(bytes).ok());
    if let Some(Ok(mut value)) = text.map(json::parse) {
        change(&mut value, &mut Choice(u64::from(seed) + 1));
        let text = json::to_text(&value);
        if let Some(place) = data.get_mut(..text.len()).filter(|place| place.len() <= max_size) {
            place.copy_from_slice(text.as_bytes());
            return text.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
});

/// Choices by the seed of a mutation.
struct Choice(u64);

impl Choice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % count.max(1)
    }
}

/// Changes a value, or one somewhere in it.
fn change(value: &mut Value, choice: &mut Choice) {
    match value {
        Value::Array(items) if !items.is_empty() && choice.below(8) != 0 => {
            let place = choice.below(items.len());
            match choice.below(6) {
                0 => drop(items.remove(place)),
                1 => items.push(items[place].clone()),
                _ => change(&mut items[place], choice),
            }
        }
        Value::Object(entries) if !entries.is_empty() && choice.below(16) != 0 => {
            let place = choice.below(entries.len());
            let (key, inner) = entries.iter_mut().nth(place).expect("below their number");
            let key = key.clone();
            match choice.below(12) {
                0 => drop(entries.shift_remove(&key)),
                _ => change(inner, choice),
            }
        }
        Value::Number(number) if choice.below(2) == 0 => {
            let whole = number.as_i64().unwrap_or(1);
            let near = [whole.wrapping_add(1), whole.wrapping_sub(1), whole.wrapping_mul(2), whole.wrapping_neg()];
            *value = near[choice.below(near.len())].into();
        }
        _ => {
            let odd = [
                value!(null),
                value!(true),
                value!(0),
                value!(-1),
                value!(255),
                value!(1_u64 << 32),
                value!(i64::MAX),
                value!(u64::MAX),
                value!(0.5),
                value!(f64::MAX),
                value!(f64::MIN_POSITIVE),
                value!(""),
                value!("."),
                value!("id"),
                value!([]),
                value!([1, 2]),
                value!({}),
            ];
            *value = odd[choice.below(odd.len())].clone();
        }
    }
}

/// What the stages work out from a configuration before anything else.
fn derive(config: &Config) {
    let training = &config.training;
    let _ = config.check_for_training();
    let _ = (training.folds_to_train(), training.checkpoint_interval(), training.steps_per_epoch(1));
    let _ = training.outputs(config.dataset_info.labels.len());
}

/// Saving what was not changed changes nothing.
fn check_saved(config: &Config, value: &Value, choices: &Choices, path: &Path) {
    config.save(path).expect("the file can be written");
    assert_eq!(&json::read(path).expect("what was written is sound"), value);
    assert!(&Config::load(path, choices).expect("what was written is sound") == config);
}
