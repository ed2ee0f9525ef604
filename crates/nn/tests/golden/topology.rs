//! Tensors of the networks, and the plans that they follow from.

use crate::support::{count, float, json, triple};
use mist_nn::models::{ModelConfig, plan::Plan};
use mist_nn::{Registry, weights::names_and_shapes};
use serde_json::Value;

fn config(params: &Value) -> ModelConfig {
    let spatial = |key: &str, default: [f64; 3]| match &params[key] {
        Value::Null => default,
        value => triple(value, float),
    };
    ModelConfig {
        in_channels: count(&params["in_channels"]),
        out_channels: count(&params["out_channels"]),
        patch_size: spatial("patch_size", [64.0; 3]).map(|extent| extent as usize),
        target_spacing: spatial("target_spacing", [1.0; 3]),
        extra: params.as_object().expect("params").clone(),
    }
}

/// Names, shapes and order, buffers included.
#[test]
fn weight_files_have_the_tensors_of_the_reference() {
    let tables = json("models/state_dicts.json");
    let registered: Vec<&str> =
        tables["registered"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    assert_eq!(Registry::builtin().model_names(), registered);
    for table in tables["state_dicts"].as_array().expect("tables") {
        let name = table["architecture"].as_str().expect("architecture");
        let model = Registry::builtin().build(name, &config(&table["params"])).expect("a valid configuration");
        assert_eq!(model.layout().count(), count(&table["n_parameters"]), "{name}");
        let ours = names_and_shapes(model.layout());
        let theirs = table["tensors"].as_array().expect("tensors");
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for ((name, shape), row) in ours.into_iter().zip(theirs) {
            let expected: Vec<usize> = row[1].as_array().expect("shape").iter().map(count).collect();
            assert_eq!((name, shape), (row[0].as_str().expect("name"), expected.as_slice()));
        }
    }
}

#[test]
fn plans_and_parameter_counts_are_those_of_the_reference() {
    for case in json("models/topology.json")["plans"].as_array().expect("plans") {
        let (patch_size, target_spacing) = (triple(&case["patch_size"], count), triple(&case["target_spacing"], float));
        let plan = Plan::new(patch_size, target_spacing);
        let rows = |key: &str| -> Vec<[usize; 3]> {
            case[key].as_array().expect("rows").iter().map(|row| triple(row, count)).collect()
        };
        assert_eq!(plan.kernels, rows("kernels"), "{patch_size:?} {target_spacing:?}");
        assert_eq!(plan.strides, rows("strides"), "{patch_size:?} {target_spacing:?}");
        assert_eq!(plan.divisor(), triple(&case["divisor"], count));
        for (name, expected) in case["n_parameters_1_in_2_out"].as_object().into_iter().flatten() {
            // A text where the reference fails: we do as well, or the patch does not divide.
            let Some(expected) = expected.as_u64() else { continue };
            let extra = serde_json::Map::new();
            let config = ModelConfig { in_channels: 1, out_channels: 2, patch_size, target_spacing, extra };
            match Registry::builtin().build(name, &config) {
                Ok(model) => assert_eq!(model.layout().count() as u64, expected, "{name} {patch_size:?}"),
                Err(error) => assert!(error.to_string().contains("multiple"), "{name} {patch_size:?}: {error}"),
            }
        }
    }
}
