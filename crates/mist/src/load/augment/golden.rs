//! Transforms with given parameters, compared with the reference's outputs.

use super::{Buffers, Transform, blur::Blur, brightness::Brightness, contrast::Contrast, zoom::Zoom};
use crate::load::patch::testing::Owned;
use crate::load::testing::{golden, golden_image, golden_label};

const TOLERANCE: f32 = 1e-5;

fn input() -> Owned {
    Owned { size: [12, 14, 10], channels: 2, image: golden_image("augment/image.npy"), label: golden_label() }
}

fn apply(transform: &dyn Transform) -> Owned {
    let mut owned = input();
    // Buffers that were used before must make no difference.
    let mut buffers = Buffers::default();
    transform.apply(&mut Owned::new([5, 30, 7], 3).view(), &mut buffers);
    transform.apply(&mut owned.view(), &mut buffers);
    owned
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len());
    let largest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest <= TOLERANCE, "{what}: {largest}");
}

fn check(key: &str, parameter: &str, make: impl Fn(f64) -> Box<dyn Transform>) {
    let golden = golden("augment.json");
    let cases = golden[key].as_array().unwrap();
    assert!(cases.len() >= 2);
    for case in cases {
        let transform = make(case[parameter].as_f64().unwrap());
        let found = apply(transform.as_ref());
        assert_close(&found.image, &golden_image(case["image"].as_str().unwrap()), &format!("{transform:?}"));
        match case["label"].as_str() {
            Some(file) => assert_eq!(found.label, crate::load::testing::golden_bytes(file), "{transform:?}"),
            None => assert_eq!(found.label, input().label),
        }
    }
}

#[test]
fn zoom_is_the_references() {
    check("zoom", "scale", |scale| Box::new(Zoom { scale }));
    for case in golden("augment.json")["zoom"].as_array().unwrap() {
        let zoom = Zoom { scale: case["scale"].as_f64().unwrap() };
        let cut = [12, 14, 10].map(|extent| zoom.cut(extent) as u64);
        assert_eq!(serde_json::json!(cut), case["cropped_size"]);
    }
}

#[test]
fn blur_is_the_references() {
    check("blur", "sigma", |sigma| Box::new(Blur { sigma }));
}

#[test]
fn brightness_is_the_references() {
    check("brightness", "scale", |scale| Box::new(Brightness { scale }));
}

#[test]
fn contrast_is_the_references() {
    check("contrast", "scale", |scale| Box::new(Contrast { scale }));
}
