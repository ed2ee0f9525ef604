//! Reading of the fixtures that the reference produced, and the networks that it was run with.

use super::ChannelsLast;
use super::stitch::Patches;
use crate::error::Result;
pub(super) use crate::golden::{json, path};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) fn from<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// Shape and values, last axis fastest.
pub(super) fn array(name: &str) -> (Vec<usize>, Vec<f32>) {
    mist_volume::npy::read_f32(&path(name)).unwrap()
}

/// An array that is stored channels first.
pub(super) fn channels_last(name: &str) -> ChannelsLast {
    let (shape, values) = array(name);
    let [channels, x, y, z] = shape[..] else { panic!("{name} has {shape:?}") };
    let voxels = x * y * z;
    let interleaved = (0..voxels * channels).map(|at| values[at % channels * voxels + at / channels]).collect();
    ChannelsLast::new([x, y, z], channels, interleaved).unwrap()
}

pub(super) fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{found} instead of {expected} at {at}: {what}");
    }
}

/// A network without weights whose result depends on the place in the window; the formula is in `fake_models.json`.
pub(super) fn fake_network(name: &str) -> impl FnMut(Patches) -> Result<Vec<f32>> + use<> {
    let model = &json("sliding_window/fake_models.json")["models"][name];
    let weights: Vec<[f32; 2]> = from(&model["W"]);
    let [biases, slopes] = ["B", "G"].map(|key| from::<Vec<f32>>(&model[key]));
    move |patches: Patches| {
        let [_, py, pz] = patches.size;
        let voxels: usize = patches.size.iter().product();
        let mut logits = vec![];
        for (at, input) in patches.data.chunks(2).enumerate() {
            let at = at % voxels;
            let (i, j, l) = (at / (py * pz), at / pz % py, at % pz);
            let place = ((3 * i + 5 * j + 7 * l) % 11) as f32 * 0.125;
            let scores = weights.iter().zip(&biases).zip(&slopes);
            logits.extend(scores.map(|((w, b), g)| w[0] * input[0] + w[1] * input[1] + b + g * place));
        }
        Ok(logits)
    }
}
