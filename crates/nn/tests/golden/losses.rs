//! Values and gradients of the losses against the reference, through deep supervision.

use crate::support::{array, distance, float, json};
use mist_nn::losses::{Classes, deep_supervision};
use mist_nn::models::Output;
use mist_nn::{FeatureMap, Gradients, Registry, for_training};

fn map(name: &str) -> (FeatureMap, Vec<usize>) {
    let (shape, values) = array(&format!("losses/inputs/{name}.npy"));
    let extents = [shape[0], shape[1], shape[2], shape[3], shape[4]];
    let map = FeatureMap::from_channels_first(&values, extents, &for_training());
    (map.require_gradient(), shape)
}

/// Values 1e-5 relative; gradients 1e-7 absolute plus 1e-4 of the largest entry (losses/README.md of the fixtures).
#[test]
fn values_and_gradients_follow_the_reference() {
    let registry = Registry::builtin();
    let labels = mist_volume::npy::read_u8(&crate::support::golden("losses/inputs/label.npy")).expect("labels").1;
    for case in json("losses/losses.json")["cases"].as_array().expect("cases") {
        let name = case["case"].as_str().expect("name");
        let loss = registry.find_loss(case["loss"].as_str().expect("loss")).expect("a known loss");
        let classes = if case["exclude_background"] == true { Classes::Foreground } else { Classes::All };
        let mut heads = vec![case["logits_input"].as_str().expect("input").to_owned()];
        heads.extend(match case["supervision"].as_str().expect("supervision") {
            "none" => vec![],
            "one" => vec!["aux1_full".to_owned()],
            kind => vec![format!("aux1_{kind}"), format!("aux2_{kind}")],
        });
        let maps: Vec<_> = heads.iter().map(|head| map(head)).collect();
        let output =
            Output { prediction: maps[0].0.clone(), auxiliary: maps[1..].iter().map(|(map, _)| map.clone()).collect() };
        let value = deep_supervision((loss.build)(classes).as_ref(), &labels, output).expect("fitting shapes");
        let mut gradients = Gradients::of(&value);
        let value = f64::from(value.into_scalar::<f32>());
        let expected = float(&case["value_f64"]);
        assert!((value - expected).abs() <= 1e-5 * expected.abs(), "{name}: {value} {expected}");

        for (index, file) in case["grads"].as_object().expect("gradients").values().enumerate() {
            let (_, expected) = array(&format!("losses/{}", file.as_str().expect("file")));
            let (map, shape) = &maps[index];
            let gradient = gradients.take_map(map).expect("a gradient");
            let extents = [shape[0], shape[2], shape[3], shape[4], shape[1]];
            let gradient = FeatureMap::from_channels_last(gradient, extents, &for_training()).to_channels_first();
            let largest = expected.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            let off = distance(&gradient, &expected);
            assert!(off <= 1e-7 + 1e-4 * f64::from(largest), "{name} {file}: {off}");
        }
    }
}

#[test]
fn labels_without_a_class_are_an_error() {
    let (map, _) = map("logits");
    let loss = Registry::builtin().find_loss("dice").expect("dice");
    let labels = vec![3; 2 * 12 * 14 * 10];
    let output = Output { prediction: map, auxiliary: vec![] };
    let error = deep_supervision((loss.build)(Classes::All).as_ref(), &labels, output).expect_err("an error");
    assert_eq!(error.to_string(), "label 3 at voxel 0 is not below the number of classes, 3");
}
