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
    let mut refused = 0;
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
            let extra = serde_json::Map::new();
            let config = ModelConfig { in_channels: 1, out_channels: 2, patch_size, target_spacing, extra };
            let divides = patch_size.iter().zip(plan.divisor()).all(|(size, divisor)| size % divisor == 0);
            // A text where the reference fails, which we refuse, as we do patches that its networks would fail on later.
            let expected = expected.as_u64().filter(|_| divides);
            match (Registry::builtin().build(name, &config), expected) {
                (Ok(model), Some(expected)) => {
                    assert_eq!(model.layout().count() as u64, expected, "{name} {patch_size:?}")
                }
                (Err(_), None) => refused += 1,
                (Ok(_), None) => panic!("{name} {patch_size:?} at {target_spacing:?} mm is built"),
                (Err(error), Some(_)) => panic!("{name} {patch_size:?} at {target_spacing:?} mm: {error}"),
            }
        }
    }
    assert!(refused > 70, "{refused}");
}

/// The index of Swin UNETR's tables of relative positions, by the sums that are on record.
#[test]
fn relative_positions_are_those_of_the_reference() {
    let expected = &json("models/manifest.json")["relative_position_index"];
    let params = serde_json::json!({"in_channels": 1, "out_channels": 2});
    let model = Registry::builtin().build("swinunetr-small", &config(&params)).expect("a valid configuration");
    let buffers = &model.layout().buffers;
    assert!(buffers.len() > 1);
    for buffer in buffers {
        let size: Vec<usize> = expected["shape"].as_array().expect("extents").iter().map(count).collect();
        assert_eq!(buffer.shape, size);
        let values: Vec<u64> = buffer.values.iter().map(|value| u64::try_from(*value).expect("an index")).collect();
        assert_eq!(values.iter().sum::<u64>(), expected["sum"].as_u64().expect("a sum"));
        let weighted: u64 = values.iter().zip(1..).map(|(value, weight)| value * weight).sum();
        assert_eq!(weighted % (1 << 32), expected["weighted_sum_mod_2_32"].as_u64().expect("a sum"));
        let row = |first: usize| serde_json::json!(values[first..first + 10]);
        assert_eq!(row(0), expected["first_row_head"]);
        assert_eq!(row(values.len() - size[1]), expected["last_row_head"]);
    }
}
