//! Logits, deep-supervision outputs, loss and gradients of the networks against the reference, with weights and
//! inputs made by a hash of name and index (spec of the fixtures).

use crate::support::{array, count, distance, float, hash, hashed, hashed_weights, json, triple};
use mist_nn::models::{Mode, ModelConfig};
use mist_nn::parameters::Parameters;
use mist_nn::{FeatureMap, Gradients, Registry, for_inference, for_training};
use serde_json::Value;

fn config(case: &Value) -> ModelConfig {
    let params = &case["params"];
    ModelConfig {
        in_channels: count(&params["in_channels"]),
        out_channels: count(&params["out_channels"]),
        patch_size: triple(&params["patch_size"], count),
        target_spacing: triple(&params["target_spacing"], float),
        extra: params.as_object().expect("params").clone(),
    }
}

fn check(name: &str) {
    check_with_flips(name, 1.0);
}

/// `flips` is how many times as many signs of activations may flip by rounding as the fixtures' README allows.
fn check_with_flips(name: &str, flips: f64) {
    let case = &json("models/manifest.json")["cases"][name];
    let architecture = case["architecture"].as_str().expect("architecture");
    let model = Registry::builtin().build(architecture, &config(case)).expect("a valid configuration");
    let specs = &model.layout().parameters;
    let values = specs.iter().map(|spec| hashed_weights(&spec.name, &spec.shape)).collect();
    let parameters = Parameters::from_values(model.layout(), values).expect("fitting values");
    assert_eq!(parameters.count(), count(&case["n_parameters"]));

    let shape: Vec<usize> = case["input_shape"].as_array().expect("shape").iter().map(count).collect();
    let extents = [shape[0], shape[1], shape[2], shape[3], shape[4]];
    let input = hashed("input", shape.iter().product());

    // 20 times the reference's own f32 error.
    let tolerance = 20.0 * float(&case["f32_max_abs_error_of_logits"]);
    let (_, expected) = array(&format!("models/{name}/logits.npy"));
    let device = for_inference();
    let image = FeatureMap::from_channels_first(&input, extents, &device);
    let output = model.forward(&parameters.on(&device), &image, Mode::Inference);
    assert!(output.auxiliary.is_empty());
    let off = distance(&output.prediction.to_channels_first(), &expected);
    assert!(off <= tolerance, "{name} logits: {off} > {tolerance}");
    if !case["gradients"].as_bool().expect("a flag") {
        return;
    }

    let device = for_training();
    let on_device = parameters.on(&device);
    let image = FeatureMap::from_channels_first(&input, extents, &device).require_gradient();
    let output = model.forward(&on_device, &image, Mode::Training);
    let off = distance(&output.prediction.to_channels_first(), &expected);
    assert!(off <= tolerance, "{name} logits in training: {off}");
    assert_eq!(output.auxiliary.len() as u64, case["deep_supervision_outputs"].as_u64().unwrap_or(0));
    for (head, map) in output.auxiliary.iter().enumerate() {
        let steps = triple(&case["deep_supervision_stored_steps"], count);
        let (stored, expected) = array(&format!("models/{name}/ds_{head}.npy"));
        let off = distance(&subsample(map, steps), &expected);
        assert!(off <= tolerance, "{name} auxiliary output {head} {stored:?}: {off}");
    }

    // The value in f64, since only the gradients are taken from the engine's f32 sum.
    let heads = || std::iter::once(&output.prediction).chain(&output.auxiliary);
    let mean_square = |map: &FeatureMap| {
        let values = map.clone().into_values();
        values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / values.len() as f64
    };
    let value: f64 = heads().map(mean_square).sum();
    assert!((value - float(&case["loss"])).abs() < 1e-5 * value, "{name} loss: {value}");

    let heads = heads().cloned();
    let loss = heads.map(|map| map.into_channels_last().square().mean()).reduce(|a, b| a + b).expect("a head");
    let mut gradients = Gradients::of(&loss);

    let total = float(&case["total_gradient_l2"]);
    let expected = json(&format!("models/{name}/gradients.json"));
    let ours = on_device.gradients(&mut gradients);
    let mut named: Vec<(&str, Vec<f32>)> = specs.iter().map(|spec| spec.name.as_str()).zip(ours).collect();
    let input_gradient = gradients.take_map(&image).expect("a gradient by the input");
    let [n, c, x, y, z] = extents;
    let input_gradient = FeatureMap::from_channels_last(input_gradient, [n, x, y, z, c], &device);
    named.push(("<input>", input_gradient.to_channels_first()));
    for row in expected.as_array().expect("gradients") {
        let parameter = row["name"].as_str().expect("name");
        let gradient = &named.iter().find(|(name, _)| *name == parameter).expect("a gradient of that name").1;
        let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let probe = hashed(&format!("probe:{parameter}"), gradient.len());
        let projection = gradient.iter().zip(&probe).map(|(g, p)| f64::from(*g) * f64::from(*p)).sum::<f64>();
        // Single activation signs flip by rounding; the fixtures' README allows this much.
        let allowed = flips * (1e-2 * float(&row["l2"]) + 1e-3 * total);
        for (what, ours, theirs) in [("norm", norm, &row["l2"]), ("projection", projection, &row["proj"])] {
            let off = (ours - float(theirs)).abs();
            assert!(off <= allowed, "{name} {parameter} {what}: {ours} {theirs}");
        }
    }
}

/// Every `steps`-th voxel per axis, channels first.
fn subsample(map: &FeatureMap, steps: [usize; 3]) -> Vec<f32> {
    let [a, b, c] = map.size();
    let values = map.to_channels_first();
    let mut kept = Vec::new();
    for plane in values.chunks_exact(a * b * c) {
        for i in (0..a).step_by(steps[0]) {
            for j in (0..b).step_by(steps[1]) {
                kept.extend((0..c).step_by(steps[2]).map(|k| plane[(i * b + j) * c + k]));
            }
        }
    }
    kept
}

#[test]
fn the_hash_matches_its_vectors() {
    for vector in json("models/manifest.json")["hash_vectors"].as_array().expect("vectors") {
        let seed = crc32fast::hash(vector["name"].as_str().expect("name").as_bytes());
        assert_eq!(u64::from(seed), vector["crc32"].as_u64().expect("crc"));
        assert_eq!(hash(seed, count(&vector["index"])), float(&vector["u"]) as f32);
    }
}

#[test]
fn nnunet_with_five_levels() {
    check("nnunet_five_levels");
}

#[test]
fn pocket_isotropic_two_samples_two_channels() {
    check("pocket_iso");
}

#[test]
fn pocket_anisotropic() {
    check("pocket_aniso");
}

#[test]
fn pocket_kernel_one_with_stride_two() {
    check("pocket_kernel1_stride2");
}

#[test]
fn pocket_without_projection_in_the_first_block() {
    check("pocket_32_channels_in");
}

#[test]
fn fmgnet_isotropic() {
    check("fmgnet_iso");
}

#[test]
fn fmgnet_with_one_auxiliary_output() {
    check("fmgnet_three_levels");
}

/// Of a hundred convolutions one after the other, the rounding of Winograd's method makes itself felt: with direct sums,
/// the gradients agree without an allowance; with it, 8 of 800 numbers need up to 2.5 times the usual one.
const WINOGRAD_FLIPS: f64 = 4.0;

#[test]
fn wnet_isotropic() {
    check_with_flips("wnet_iso", WINOGRAD_FLIPS);
}

#[test]
fn wnet_anisotropic() {
    check_with_flips("wnet_aniso", WINOGRAD_FLIPS);
}

#[test]
fn mednext_small() {
    check("mednext_small_k3");
}

#[test]
fn mednext_small_with_kernels_of_five() {
    check("mednext_small_k5");
}

#[test]
fn mednext_base_with_kernels_of_seven() {
    check("mednext_base_k7");
}

#[test]
fn mednext_medium() {
    check("mednext_medium_k3");
}

#[test]
fn mednext_large() {
    check("mednext_large_k3");
}

#[test]
fn swinunetr_small_with_padding_and_masks() {
    check("swin_small");
}

#[test]
fn swinunetr_base() {
    check("swin_base");
}

#[test]
fn patches_that_cannot_work_are_refused_with_the_nearest_that_do() {
    let config = |patch_size| ModelConfig {
        in_channels: 1,
        out_channels: 3,
        patch_size,
        target_spacing: [1.0; 3],
        extra: serde_json::Map::new(),
    };
    let error = |patch| Registry::builtin().build("nnunet", &config(patch)).err().expect("an error").to_string();
    assert_eq!(
        error([36, 32, 32]),
        "patch size 36 on axis 0 is not a multiple of 8; the nearest multiples are 32 and 40"
    );
    assert!(
        error([16; 3])
            .starts_with("patch size [16, 16, 16] is too small: at least one axis must allow 3 halvings (32 voxels")
    );
    let unknown = Registry::builtin().build("unet", &config([32; 3])).err().expect("an error").to_string();
    assert!(unknown.starts_with("unknown architecture `unet`; known are fmgnet, mednext-base, "), "{unknown}");
}
