//! Cropping, skipping and the single case that prediction prepares.

use mist::console::Silent;
use mist::preprocess::normalize::Normalization;
use mist::preprocess::{Settings, preprocess_case};
use mist::{analyze, preprocess};
use mist_nn::Registry;
use mist_volume::crop::BoundingBox;
use mist_volume::{Geometry, Volume, nifti, npy};
use std::fs;
use std::path::Path;

const SIZE: [usize; 3] = [20, 16, 12];

/// A bright block in the dark; its box is (5, 4, 3) to (14, 11, 8).
fn scan() -> Volume<f32> {
    Volume::from_fn(Geometry::axis_aligned(SIZE, [1.0, 1.5, 2.0]), |[x, y, z]| {
        let inside = (5..15).contains(&x) && (4..12).contains(&y) && (3..9).contains(&z);
        if inside { (100 + x + 2 * y + 3 * z) as f32 } else { 0.0 }
    })
}

/// Labels 4 and 2 in the two halves of the block.
fn mask() -> Volume<f32> {
    scan().map(|&value| match value {
        0.0 => 0.0,
        value if value > 130.0 => 4.0,
        _ => 2.0,
    })
}

fn write_data_set(folder: &Path) {
    for id in ["a", "b"] {
        let case = folder.join("train").join(id);
        fs::create_dir_all(&case).unwrap();
        nifti::write(&case.join("image.nii.gz"), &scan()).unwrap();
        nifti::write(&case.join("mask.nii.gz"), &mask()).unwrap();
    }
    let description = r#"{"task": "t", "modality": "mr", "train-data": "train", "mask": ["mask"],
        "images": {"mr": ["image"]}, "labels": [0, 4, 2], "final_classes": {"four": [4], "two": [2]}}"#;
    fs::write(folder.join("dataset.json"), description).unwrap();
}

/// Image and labels of case `a`, each with its shape.
type Arrays = ((Vec<usize>, Vec<f32>), (Vec<usize>, Vec<u8>));

fn prepared(no_preprocess: Option<bool>) -> Arrays {
    let folder = tempfile::tempdir().unwrap();
    write_data_set(folder.path());
    let (data, results) = (folder.path().join("dataset.json"), folder.path().join("results"));
    let numpy = folder.path().join("numpy");
    let options = analyze::Options {
        data,
        results: results.clone(),
        nfolds: Some(2),
        gpu_memory: analyze::GpuMemory::Assumed,
        batch_size_per_gpu: None,
        workers: 1,
        verify: true,
        data_dump: false,
        overwrite: false,
    };
    assert_eq!(analyze::run(&options, &Registry::builtin(), &Silent).unwrap(), []);
    let options = preprocess::Options {
        resume: false,
        results,
        numpy: numpy.clone(),
        workers: 1,
        no_preprocess,
        compute_dtms: None,
        max_memory: None,
        overwrite: false,
    };
    assert_eq!(preprocess::run(&options, &Registry::builtin(), &Silent).unwrap(), []);
    (npy::read_f32(&numpy.join("images/a.npy")).unwrap(), npy::read_u8(&numpy.join("labels/a.npy")).unwrap())
}

/// Values of the part of a volume that a box holds, in the order x, y, z with z fastest.
fn in_array_order(volume: &Volume<f32>, start: [usize; 3], end: [usize; 3]) -> Vec<f32> {
    let mut values = Vec::new();
    for x in start[0]..=end[0] {
        for y in start[1]..=end[1] {
            for z in start[2]..=end[2] {
                values.push(*volume.get([x, y, z]).unwrap());
            }
        }
    }
    values
}

fn class(value: f32) -> u8 {
    match value {
        4.0 => 1,
        2.0 => 2,
        _ => 0,
    }
}

#[test]
fn a_dark_border_is_cropped() {
    let ((shape, image), (label_shape, labels)) = prepared(None);
    assert_eq!((shape, label_shape), (vec![10, 8, 6, 1], vec![10, 8, 6, 1]));
    let (start, end) = ([5, 4, 3], [14, 11, 8]);
    let expected: Vec<u8> = in_array_order(&mask(), start, end).into_iter().map(class).collect();
    assert_eq!(labels, expected);
    // Normalization keeps the order of intensities and centres them.
    let original = in_array_order(&scan(), start, end);
    let brightest = original.iter().position(|&value| value == 160.0).unwrap();
    let mean = image.iter().sum::<f32>() / image.len() as f32;
    assert!(mean.abs() < 0.01 && image.iter().all(|&value| value <= image[brightest]), "mean {mean}");
}

#[test]
fn skipping_keeps_voxels_and_maps_labels_to_class_indices() {
    let ((shape, image), (label_shape, labels)) = prepared(Some(true));
    assert_eq!((shape, label_shape), (vec![20, 16, 12, 1], vec![20, 16, 12, 1]));
    let end = SIZE.map(|n| n - 1);
    assert_eq!(image, in_array_order(&scan(), [0; 3], end));
    let expected: Vec<u8> = in_array_order(&mask(), [0; 3], end).into_iter().map(class).collect();
    assert_eq!(labels, expected);
}

fn settings() -> Settings {
    Settings {
        skip: false,
        crop: true,
        target_spacing: [1.0, 1.5, 2.0],
        labels: vec![0, 4, 2],
        normalization: Normalization { ct: None, nonzero: false },
        distance_maps: None,
        memory: mist::memory::Allowance::Unknown,
    }
}

#[test]
fn a_case_without_a_listed_box_is_cropped_to_its_own_foreground() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scan.nii.gz");
    nifti::write(&file, &scan()).unwrap();
    let found = preprocess_case(&settings(), std::slice::from_ref(&file), None, None).unwrap();
    let expected = BoundingBox { start: [5, 4, 3], end: [14, 11, 8], original_size: SIZE };
    assert_eq!(found.bounding_box, Some(expected));
    assert_eq!(found.original_geometry, *scan().geometry());
    assert_eq!(found.size, [10, 8, 6]);
    assert_eq!(found.labels, None);
    let listed = preprocess_case(&settings(), &[file], None, Some(expected)).unwrap();
    assert_eq!(found, listed);
}

#[test]
fn channels_on_other_voxels_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["first.nii.gz", "second.nii.gz"].map(|name| folder.path().join(name));
    nifti::write(&files[0], &scan()).unwrap();
    let (geometry, voxels) = scan().into_parts();
    let shifted = Geometry { origin: [0.0, 3.0, 0.0], ..geometry };
    nifti::write(&files[1], &Volume::new(shifted, voxels).unwrap()).unwrap();
    let problem = preprocess_case(&settings(), &files, None, None).unwrap_err();
    assert_eq!(problem.file.as_ref(), Some(&files[1]));
    assert!(problem.reason.contains("first.nii.gz") && problem.reason.contains("origin"), "{problem}");
}

#[test]
fn a_box_of_another_image_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scan.nii.gz");
    nifti::write(&file, &scan()).unwrap();
    let other = BoundingBox { start: [0; 3], end: [9; 3], original_size: [10; 3] };
    assert_eq!(preprocess_case(&settings(), &[file], None, Some(other)).unwrap_err().stage, "cropping");
}

#[test]
fn a_case_without_images_is_refused() {
    assert!(preprocess_case(&settings(), &[], None, None).is_err());
}
