//! Transfer of encoder weights and averages of weight files.

use crate::support::{count, float, hashed, hashed_weights, json, triple};
use mist_nn::Registry;
use mist_nn::models::{Model, ModelConfig};
use mist_nn::parameters::Parameters;
use mist_nn::transfer::{ChannelStrategy, Outcome, Scope, transfer};
use mist_nn::weights::{Average, StateDict, Tensor, state_dict};
use serde_json::Value;

fn build(architecture: &str, params: &Value, in_channels: usize, out_channels: usize) -> Box<dyn Model> {
    let mut patch_size = triple(&params["patch_size"], count);
    if architecture.starts_with("swinunetr") {
        // The fixtures' 32³ is one that the network cannot run on; its tensors do not depend on it.
        patch_size[0] = 64;
    }
    let config = ModelConfig {
        in_channels,
        out_channels,
        patch_size,
        target_spacing: triple(&params["target_spacing"], float),
        extra: params.as_object().expect("params").clone(),
    };
    Registry::builtin().build(architecture, &config).expect("a valid configuration")
}

/// Every parameter hashed under a prefix and its name.
fn parameters(model: &dyn Model, prefix: &str) -> Parameters {
    let specs = &model.layout().parameters;
    let values = specs.iter().map(|spec| hashed_weights(&format!("{prefix}{}", spec.name), &spec.shape)).collect();
    Parameters::from_values(model.layout(), values).expect("fitting values")
}

/// Compares mean, norm and projection of a tensor with those on record.
fn check_statistics(name: &str, values: &[f32], expected: &Value) {
    let norm = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let probe = hashed(&format!("probe:{name}"), values.len());
    let projection = values.iter().zip(&probe).map(|(v, p)| f64::from(*v) * f64::from(*p)).sum::<f64>();
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    for (what, ours, theirs) in [
        ("norm", norm, &expected["l2"]),
        ("projection", projection, &expected["proj"]),
        ("mean", mean, &expected["mean"]),
    ] {
        // One rounding of f32 per value.
        assert!((ours - float(theirs)).abs() <= 1e-6 * norm.max(1.0), "{name} {what}: {ours} {theirs}");
    }
}

#[test]
fn encoders_are_transferred_as_by_the_reference() {
    let fixture = json("models/transfer.json");
    let spatial = |run: &Value| match &run["params"] {
        Value::Null => fixture["spatial"].clone(),
        params => params.clone(),
    };
    let mut runs = 0;
    for run in fixture["runs"].as_array().expect("runs") {
        let name = run["architecture"].as_str().expect("architecture");
        let strategy = match run["strategy"].as_str() {
            Some("average") => ChannelStrategy::Average,
            Some("first") => ChannelStrategy::First,
            Some("skip") => ChannelStrategy::Skip,
            other => panic!("unknown strategy {other:?}"),
        };
        let params = spatial(run);
        let source = build(name, &params, count(&run["source_in_channels"]), count(&fixture["source_out_channels"]));
        let source = state_dict(&parameters(source.as_ref(), "source:")).expect("tensors");
        let target = build(name, &params, count(&run["target_in_channels"]), count(&fixture["target_out_channels"]));
        let before = parameters(target.as_ref(), "");
        let mut after = before.clone();
        let about = Registry::builtin().about(name).expect("a description");
        let report = transfer(&mut after, &source, &about, Scope::Encoder, strategy);

        let names = |wanted: fn(&Outcome) -> bool| -> Vec<&str> {
            report.tensors.iter().filter(|(_, outcome)| wanted(outcome)).map(|(name, _)| name.as_str()).collect()
        };
        let listed = |key: &str| -> Vec<&str> {
            run[key].as_array().expect("names").iter().map(|name| name.as_str().expect("a name")).collect()
        };
        // The reference counts buffers, which we never take over: they are the same.
        let buffers = target.layout().buffers.len();
        assert_eq!(report.count(|outcome| *outcome == Outcome::Loaded) + buffers, count(&run["n_loaded"]), "{run}");
        assert_eq!(names(|outcome| *outcome == Outcome::Adapted), listed("channel_strategy_applied"));
        assert_eq!(names(|outcome| matches!(outcome, Outcome::Skipped(_))), listed("skipped"));
        let specs = &target.layout().parameters;
        for ((spec, before), after) in specs.iter().zip(before.values()).zip(after.values()) {
            let outcome = report.tensors.iter().find(|(name, _)| *name == spec.name).map(|(_, outcome)| outcome);
            match outcome {
                Some(Outcome::Loaded) => {
                    assert_eq!(after, &source.get(&spec.name).expect("a tensor").to_f32()[..], "{}", spec.name);
                }
                Some(Outcome::Adapted) => check_statistics(&spec.name, after, &run["adapted"][&spec.name]),
                _ => assert_eq!(before, after, "{}", spec.name),
            }
        }
        runs += 1;
    }
    assert!(runs > 20);
}

/// A tensor that differs in its second extent alone is no tensor for other channels, unless it sees the image.
#[test]
fn only_tensors_that_see_the_image_are_adapted() {
    let registry = Registry::builtin();
    let params = serde_json::json!({"patch_size": [64, 64, 64], "target_spacing": [1.0, 1.0, 1.0]});
    let source = build("mednext-small", &params, 3, 2);
    let source = state_dict(&parameters(source.as_ref(), "source:")).expect("tensors");
    let target = build("mednext-base", &params, 1, 2);
    let about = registry.about("mednext-base").expect("a description");
    let mut after = parameters(target.as_ref(), "");
    let report = transfer(&mut after, &source, &about, Scope::All, ChannelStrategy::Average);
    let mut wider = 0;
    for (name, outcome) in &report.tensors {
        let shape = |spec: &[usize]| spec.to_vec();
        let spec = target.layout().parameters.iter().find(|spec| spec.name == *name).expect("a tensor");
        let other = source.get(name).map(|tensor| shape(tensor.shape()));
        let alike = other.filter(|other| other.len() > 1 && other[0] == spec.shape[0] && other[2..] == spec.shape[2..]);
        match outcome {
            Outcome::Adapted => assert!(about.input.contains(&name.as_str()), "{name}"),
            Outcome::Skipped(_) if alike.is_some() => wider += 1,
            _ => {}
        }
    }
    assert_eq!(report.count(|outcome| *outcome == Outcome::Adapted), about.input.len());
    assert!(wider > 0, "no tensor could be taken for one that sees the image");
}

#[test]
fn averages_are_those_of_the_reference() {
    for (case, expected) in json("models/averaging.json").as_object().expect("cases") {
        let params = &expected["params"];
        let name = expected["architecture"].as_str().expect("architecture");
        let (inputs, outputs) = (count(&params["in_channels"]), count(&params["out_channels"]));
        let mut spatial = params.clone();
        for (key, default) in [("patch_size", 64), ("target_spacing", 1)] {
            if spatial[key].is_null() {
                spatial[key] = serde_json::json!([default, default, default]);
            }
        }
        let model = build(name, &spatial, inputs, outputs);
        let mut average = Average::default();
        for prefix in expected["hash_prefixes"].as_array().expect("prefixes") {
            let prefix = prefix.as_str().expect("a text");
            average.add(state_dict(&parameters(model.as_ref(), prefix)).expect("tensors")).expect("the same names");
        }
        let mean: StateDict = average.finish().expect("a mean");
        assert_eq!(mean.len(), count(&expected["n_tensors"]), "{case}");
        for (name, statistics) in expected["tensors"].as_object().expect("tensors") {
            let tensor: &Tensor = mean.get(name).expect("a tensor of that name");
            check_statistics(name, &tensor.to_f32(), statistics);
        }
    }
}
