//! Resampling, bit by bit as ITK does it.

mod support;

use mist_volume::resample::{resample_labels, resample_probabilities};
use mist_volume::{Geometry, IDENTITY_DIRECTION, Volume};
use serde_json::Value;
use support::{array, channel, golden};

fn triple(case: &Value, key: &str) -> [f64; 3] {
    serde_json::from_value(case[key].clone()).unwrap()
}

fn cases() -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(golden("volume/resample.json")).unwrap()).unwrap()
}

fn volume(case: &Value, kind: &str) -> Volume<f32> {
    let (shape, values) = array(&format!("volume/{kind}.npy"));
    channel(&shape, &values, 0, true, [1.0; 3]).placed(
        triple(case, "spacing"),
        triple(case, "origin"),
        IDENTITY_DIRECTION,
    )
}

#[test]
fn splines_have_the_same_bits() {
    for case in cases() {
        let image = volume(&case, &format!("image_{}", case["name"]));
        let expected = volume(&case, &format!("image_{}_resampled", case["name"]));
        let found = resample_probabilities(&image, triple(&case, "target_spacing"), expected.size());
        let bits = |volume: &Volume<f32>| volume.map(|&value| if value == 0.0 { 0 } else { value.to_bits() });
        assert!(bits(&found).voxels() == bits(&expected).voxels(), "case {}", case["name"]);
    }
}

#[test]
fn label_maps_are_equal() {
    for case in cases() {
        let mask = volume(&case, &format!("mask_{}", case["name"]));
        let labels: Vec<i64> = (0..case["classes"].as_i64().unwrap()).collect();
        let found = resample_labels(&mask, &labels, triple(&case, "target_spacing")).unwrap();
        let expected = volume(&case, &format!("mask_{}_resampled", case["name"]));
        let geometry = Geometry { size: expected.size(), spacing: triple(&case, "target_spacing"), ..*mask.geometry() };
        assert_eq!(found.geometry(), &geometry);
        let found = found.map(|&class| f32::from(class));
        assert!(found.voxels() == expected.voxels(), "case {}", case["name"]);
    }
}
