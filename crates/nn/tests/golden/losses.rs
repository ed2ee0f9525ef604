//! Values and gradients of the losses against the reference, through deep supervision.

use crate::support::{array, distance, float, json};
use mist_nn::losses::{Encoding, LossSettings, LossWeighting, Target, deep_supervision};
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
    let distance_maps = {
        let (shape, values) = array("losses/inputs/dtm.npy");
        let extents = [shape[0], shape[1], shape[2], shape[3], shape[4]];
        FeatureMap::from_channels_first(&values, extents, &for_training()).into_values()
    };
    for case in json("losses/losses.json")["cases"].as_array().expect("cases") {
        let name = case["case"].as_str().expect("name");
        let loss = registry.find_loss(case["loss"].as_str().expect("loss")).expect("a known loss");
        let spacing = case["constructor"].get("sddl_spacing_xyz").map_or([1.0; 3], |spacing| {
            let [x, y, z] = [0, 1, 2].map(|axis| float(&spacing[axis]));
            // The reference swaps the first two axes of the tolerance kernel; ours are in the order of the array.
            [y, x, z]
        });
        let mut parameters = case["constructor"].as_object().expect("arguments").clone();
        parameters.remove("sddl_spacing_xyz");
        parameters.insert("exclude_background".into(), case["exclude_background"].clone());
        let loss = loss.build(&LossSettings { spacing, parameters }).expect("known parameters");
        let mut target =
            Target::new(&labels, [12, 14, 10], &Encoding::classes(3), &for_training()).expect("fitting labels");
        target = target.with_distance_maps(distance_maps.clone()).expect("fitting maps");
        if let Some(alpha) = case["alpha"].as_f64() {
            target = target.with_alpha(alpha);
        }
        let mut heads = vec![case["logits_input"].as_str().expect("input").to_owned()];
        heads.extend(match case["supervision"].as_str().expect("supervision") {
            "none" => vec![],
            "one" => vec!["aux1_full".to_owned()],
            kind => vec![format!("aux1_{kind}"), format!("aux2_{kind}")],
        });
        let maps: Vec<_> = heads.iter().map(|head| map(head)).collect();
        let output =
            Output { prediction: maps[0].0.clone(), auxiliary: maps[1..].iter().map(|(map, _)| map.clone()).collect() };
        let value = deep_supervision(loss.as_ref(), &target, output).expect("fitting shapes");
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
fn a_loss_that_needs_distance_maps_says_so() {
    let loss = Registry::builtin().find_loss("bl").expect("bl");
    assert!(loss.needs.distance_maps);
    let loss = loss.build(&LossSettings::with_spacing([1.0; 3])).expect("a loss");
    let target = Target::new(&vec![1; 2 * 12 * 14 * 10], [12, 14, 10], &Encoding::classes(3), &for_training())
        .expect("fitting labels");
    let output = Output { prediction: map("logits").0, auxiliary: vec![] };
    let error = deep_supervision(loss.as_ref(), &target, output).expect_err("an error");
    assert_eq!(error.to_string(), "the loss needs distance maps and got none");
}

/// 1e-12: closed forms in f64 on both sides.
#[test]
fn weights_of_composite_losses_follow_the_reference() {
    let tables = json("losses/schedules/alpha.json");
    for table in tables["tables"].as_array().expect("tables") {
        let given = |key: &str| table["params"].get(key).map(float);
        let name = table["name"].as_str().expect("name");
        let weighting = match LossWeighting::with_defaults(name).expect("a known name") {
            LossWeighting::Constant { value } => LossWeighting::Constant { value: given("value").unwrap_or(value) },
            LossWeighting::Linear { init_pause, start_val, end_val } => LossWeighting::Linear {
                init_pause: given("init_pause").map_or(init_pause, |pause| pause as i64),
                start_val: given("start_val").unwrap_or(start_val),
                end_val: given("end_val").unwrap_or(end_val),
            },
            LossWeighting::Cosine { init_pause, start_val, end_val } => LossWeighting::Cosine {
                init_pause: given("init_pause").map_or(init_pause, |pause| pause as i64),
                start_val: given("start_val").unwrap_or(start_val),
                end_val: given("end_val").unwrap_or(end_val),
            },
        };
        let epochs = table["num_epochs"].as_u64().expect("epochs");
        let rows = table["epochs"].as_array().expect("epochs").iter().zip(table["values"].as_array().expect("values"));
        for (epoch, expected) in rows {
            let (epoch, expected) = (epoch.as_u64().expect("epoch"), float(expected));
            let alpha = weighting.alpha(epoch, epochs);
            assert!((alpha - expected).abs() <= 1e-12, "{table} epoch {epoch}: {alpha}");
        }
    }
    let linear = LossWeighting::with_defaults("linear").expect("linear");
    assert!(linear.never_moves(6) && !linear.never_moves(7));
}
