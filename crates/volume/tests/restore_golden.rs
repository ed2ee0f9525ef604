//! The way of an image into the network's grid and of label maps and probabilities back, against the reference.

#[path = "support/difference.rs"]
mod difference;
mod support;

use difference::largest_difference;
use mist_volume::crop::{BoundingBox, crop, uncrop};
use mist_volume::orientation::{from_standard, to_standard};
use mist_volume::percentile::percentile_f32;
use mist_volume::resample::{resample_class_indices, resample_image, resample_probabilities};
use mist_volume::{Volume, foreground, nifti};
use serde_json::Value;
use std::io::Read;
use support::{array, channel, golden};

fn cases() -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(golden("restore/cases.json")).unwrap()).unwrap()
}

fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    let list: Vec<f64> = value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect();
    list.try_into().unwrap()
}

fn name(case: &Value) -> &str {
    case["name"].as_str().unwrap()
}

fn original(case: &Value) -> Volume<f32> {
    nifti::read(&golden(&format!("restore/{}/original.nii.gz", name(case)))).unwrap()
}

fn stored_box(case: &Value) -> Option<BoundingBox> {
    let fields = case["fg_bbox"].as_object()?;
    let triple =
        |suffix: &str| ["x", "y", "z"].map(|axis| fields[&format!("{axis}_{suffix}")].as_u64().unwrap() as usize);
    Some(BoundingBox { start: triple("start"), end: triple("end"), original_size: triple("og_size") })
}

/// What a case's arrays look like: class probabilities in the standard frame.
fn probabilities(case: &Value, class: usize) -> Volume<f32> {
    let (shape, values) = array(&format!("restore/{}/probs.npy", name(case)));
    channel(&shape, &values, class, false, numbers(&case["target_spacing"]))
}

fn class_map(case: &Value) -> Volume<u8> {
    let classes = [0, 1, 2].map(|class| probabilities(case, class));
    let mut map = classes[0].map(|_| 0_u8);
    for (offset, index) in map.voxels_mut().iter_mut().enumerate() {
        for class in 1..3 {
            if classes[class].voxels()[offset] > classes[usize::from(*index)].voxels()[offset] {
                *index = class as u8;
            }
        }
    }
    map
}

fn skipped(case: &Value) -> bool {
    case["skip"].as_bool().unwrap()
}

#[test]
fn geometry_is_read_as_itk_reads_it() {
    for case in cases() {
        let geometry = *original(&case).geometry();
        assert_eq!(geometry.size.map(|n| n as f64), numbers(&case["size"]), "{}", name(&case));
        assert_eq!(geometry.spacing, numbers(&case["itk_spacing"]), "{}", name(&case));
        assert_eq!(geometry.origin, numbers(&case["itk_origin"]), "{}", name(&case));
        let direction: [f64; 9] = numbers(&case["itk_direction"]);
        for (found, expected) in geometry.direction.as_flattened().iter().zip(direction) {
            assert!((found - expected).abs() < 1e-15, "{}: {:?} and {direction:?}", name(&case), geometry.direction);
        }
    }
}

#[test]
fn the_foreground_box_is_the_same() {
    let mut found = 0;
    for case in cases() {
        if let Some(expected) = stored_box(&case) {
            assert_eq!(foreground::bounding_box(&original(&case)), expected, "{}", name(&case));
            found += 1;
        }
    }
    assert_eq!(found, 3);
}

#[test]
fn images_reach_the_same_grid_with_the_same_values() {
    for case in cases().iter().filter(|case| !skipped(case)) {
        let image = original(case);
        let image = stored_box(case).map_or_else(|| image.clone(), |found| crop(&image, &found).unwrap());
        let mut image = resample_image(&to_standard(&image), numbers(&case["target_spacing"]));
        normalize(&mut image);
        let (shape, values) = array(&format!("restore/{}/preprocessed.npy", name(case)));
        let expected = channel(&shape, &values, 0, true, [1.0; 3]);
        let difference = largest_difference(&image, &expected);
        assert!(difference < 1e-5, "{}: {difference}", name(case));
    }
}

/// MR normalization over all voxels: clip to percentiles, then z-score with the statistics of the unclipped values.
fn normalize(image: &mut Volume<f32>) {
    let count = image.voxels().len() as f64;
    let mean = image.voxels().iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = image.voxels().iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    let mut scratch = image.voxels().to_vec();
    let [lower, upper] = [0.5, 99.5].map(|percent| percentile_f32(&mut scratch, percent).unwrap());
    for value in image.voxels_mut() {
        *value = ((f64::from(value.clamp(lower, upper)) - mean) / variance.sqrt()) as f32;
    }
}

#[test]
fn label_maps_come_back_voxel_by_voxel() {
    for case in cases() {
        let anchor = original(&case);
        let mut map = class_map(&case);
        if !skipped(&case) {
            let found = stored_box(&case);
            let size = found.map_or(anchor.size(), |found| found.size());
            let turned = from_standard(&map, &anchor.geometry().direction);
            map = resample_class_indices(&turned, anchor.geometry().spacing, size);
            if let Some(found) = found {
                map = uncrop(&map, &found, 0).unwrap();
            }
        }
        let (shape, values) = array(&format!("restore/{}/restored_labels.npy", name(&case)));
        let expected = channel(&shape, &values, 0, true, [1.0; 3]);
        let labels = map.map(|&class| [0.0, 1.0, 4.0][usize::from(class)]);
        let wrong = labels.voxels().iter().zip(expected.voxels()).filter(|(a, b)| a != b).count();
        assert_eq!((labels.size(), wrong), (expected.size(), 0), "{}", name(&case));
    }
}

#[test]
fn probabilities_come_back() {
    for case in cases().iter().filter(|case| !skipped(case)) {
        let anchor = original(case);
        let path = golden(&format!("restore/{}/probabilities.nii.gz", name(case)));
        let expected = nifti::read_vector(&path).unwrap();
        assert_eq!(expected.len(), 3);
        for (class, expected) in expected.iter().enumerate() {
            let found = stored_box(case);
            let size = found.map_or(anchor.size(), |found| found.size());
            let turned = from_standard(&probabilities(case, class), &anchor.geometry().direction);
            let mut restored = resample_probabilities(&turned, anchor.geometry().spacing, size);
            if let Some(found) = found {
                restored = uncrop(&restored, &found, 0.0).unwrap();
            }
            let difference = largest_difference(&restored, expected);
            assert!(difference < 1e-6, "{}, class {class}: {difference}", name(case));
        }
    }
}

#[test]
fn headers_are_written_byte_by_byte_as_the_reference_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("written.nii.gz");
    let header = |path: &std::path::Path| {
        let mut bytes = vec![0; 352];
        flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_exact(&mut bytes).unwrap();
        bytes
    };
    for case in cases() {
        let labels = golden(&format!("restore/{}/labels.nii.gz", name(&case)));
        nifti::write(&path, &nifti::read(&labels).unwrap().map(|&value| value as u8)).unwrap();
        compare_headers(&header(&path), &header(&labels), name(&case));
        let vectors = golden(&format!("restore/{}/probabilities.nii.gz", name(&case)));
        nifti::write_vector(&path, &nifti::read_vector(&vectors).unwrap()).unwrap();
        compare_headers(&header(&path), &header(&vectors), name(&case));
    }
}

/// Quaternion and sform may differ by the last bits of an f32; everything else must be equal.
fn compare_headers(found: &[u8], expected: &[u8], case: &str) {
    const ROUNDED: std::ops::Range<usize> = 256..328;
    for at in (0..352).filter(|at| !ROUNDED.contains(at)) {
        assert_eq!(found[at], expected[at], "{case}: byte {at}");
    }
    for at in ROUNDED.step_by(4) {
        let value = |bytes: &[u8]| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let (found, expected) = (value(found), value(expected));
        assert!((found - expected).abs() <= 2e-7 * expected.abs().max(1.0), "{case}: {found}, {expected} at byte {at}");
    }
}
