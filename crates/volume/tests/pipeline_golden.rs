//! From raw scans to the arrays that the reference preprocessed from them, up to (not including) normalization.

#[path = "support/difference.rs"]
mod difference;
mod support;

use difference::largest_difference;
use mist_volume::orientation::to_standard;
use mist_volume::resample::{resample_image, resample_labels};
use mist_volume::{Volume, foreground, nifti};
use support::{array, channel, golden};

fn config(set: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(golden(&format!("pipeline/{set}/results/config.json"))).unwrap()).unwrap()
}

fn target(config: &serde_json::Value) -> [f64; 3] {
    serde_json::from_value(config["spatial_config"]["target_spacing"].clone()).unwrap()
}

fn assert_labels(set: &str, mask: &str, array_path: &str) {
    let config = config(set);
    let labels: Vec<i64> = serde_json::from_value(config["dataset_info"]["labels"].clone()).unwrap();
    let mask = nifti::read(&golden(&format!("pipeline/{set}/{mask}"))).unwrap();
    let found = resample_labels(&to_standard(&mask), &labels, target(&config)).unwrap();
    let (shape, values) = array(&format!("pipeline/{set}/{array_path}"));
    let expected = channel(&shape, &values, 0, true, target(&config));
    assert_eq!(found.size(), expected.size());
    let wrong = found.voxels().iter().zip(expected.voxels()).filter(|&(&a, &b)| f32::from(a) != b).count();
    assert_eq!(wrong, 0, "{set}: {wrong} of {} voxels differ", expected.voxels().len());
}

#[test]
fn anisotropic_ct_labels_are_equal() {
    assert_labels("ct_aniso", "raw/train/p04/p04_seg.nii.gz", "numpy/labels/p04.npy");
}

#[test]
fn permuted_mr_labels_are_equal() {
    assert_labels("mr4", "raw/train/b/b-seg.nii.gz", "numpy/labels/b.npy");
}

#[test]
fn ct_images_agree() {
    let config = config("ct_aniso");
    let parameter = |key: &str| config["preprocessing"]["ct_normalization"][key].as_f64().unwrap();
    let raw = nifti::read(&golden("pipeline/ct_aniso/raw/train/p04/p04_ct.nii.gz")).unwrap();
    let mut image = resample_image(&to_standard(&raw), target(&config));
    let (lower, upper) = (parameter("window_min"), parameter("window_max"));
    for value in image.voxels_mut() {
        let clipped = f64::from(*value).clamp(lower, upper);
        *value = ((clipped - parameter("z_score_mean")) / parameter("z_score_std")) as f32;
    }
    let (shape, values) = array("pipeline/ct_aniso/numpy/images/p04.npy");
    let difference = largest_difference(&image, &channel(&shape, &values, 0, true, target(&config)));
    assert!(difference < 1e-5, "{difference}");
}

#[test]
fn mr_images_agree_up_to_normalization() {
    let config = config("mr4");
    let (shape, values) = array("pipeline/mr4/numpy/images/b.npy");
    for (index, name) in ["t1n", "t1c", "t2f", "t2w"].into_iter().enumerate() {
        let raw = nifti::read(&golden(&format!("pipeline/mr4/raw/train/b/b-{name}.nii.gz"))).unwrap();
        let image = resample_image(&to_standard(&raw), target(&config));
        let expected = channel(&shape, &values, index, true, target(&config));
        assert_zeros_agree(&image, &expected, name);
        assert_linearly_related(&image, &expected, name);
    }
}

/// Normalization keeps exact zeros; which voxels are exactly 0 after the spline decides its statistics. (A voxel that equals the
/// mean is normalized to 0, too.)
fn assert_zeros_agree(image: &Volume<f32>, expected: &Volume<f32>, name: &str) {
    let pairs = image.voxels().iter().zip(expected.voxels());
    let differ = pairs.filter(|&(&a, &b)| (a == 0.0) != (b == 0.0) && a.abs() < 1.0).count();
    assert_eq!(differ, 0, "{name}: {differ} of {} zeros differ", image.voxels().len());
}

/// Between its clipping bounds, normalization is a straight line: fitted, it must leave nothing.
fn assert_linearly_related(image: &Volume<f32>, expected: &Volume<f32>, name: &str) {
    let bounds = expected.voxels().iter().filter(|&&v| v != 0.0);
    let (low, high) = bounds.fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let pairs: Vec<(f64, f64)> = image
        .voxels()
        .iter()
        .zip(expected.voxels())
        .filter(|&(_, &b)| b != 0.0 && b > low && b < high)
        .map(|(&a, &b)| (f64::from(a), f64::from(b)))
        .collect();
    assert!(pairs.len() > expected.voxels().len() / 2);
    let n = pairs.len() as f64;
    let (mean_a, mean_b) = pairs.iter().fold((0.0, 0.0), |(a, b), pair| (a + pair.0 / n, b + pair.1 / n));
    let covariance: f64 = pairs.iter().map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
    let variance: f64 = pairs.iter().map(|(a, _)| (a - mean_a).powi(2)).sum();
    let slope = covariance / variance;
    let worst = pairs.iter().map(|(a, b)| (b - mean_b - slope * (a - mean_a)).abs()).fold(0.0, f64::max);
    assert!(slope > 0.0 && worst < 1e-5, "{name}: slope {slope}, residual {worst}");
}

#[test]
fn foreground_boxes_agree() {
    let check = |set: &str, id: &str, image: &str| {
        let table = std::fs::read_to_string(golden(&format!("pipeline/{set}/results/fg_bboxes.csv"))).unwrap();
        let row = table.lines().find(|line| line.ends_with(&format!(",{id}"))).unwrap();
        let fields: Vec<usize> = row.split(',').filter_map(|field| field.parse().ok()).collect();
        let found = foreground::bounding_box(&nifti::read(&golden(&format!("pipeline/{set}/{image}"))).unwrap());
        assert_eq!(
            fields,
            [
                found.start[0],
                found.end[0],
                found.start[1],
                found.end[1],
                found.start[2],
                found.end[2],
                found.original_size[0],
                found.original_size[1],
                found.original_size[2],
            ]
        );
    };
    check("ct_aniso", "p04", "raw/train/p04/p04_ct.nii.gz");
    check("mr4", "b", "raw/train/b/b-t1n.nii.gz");
}
