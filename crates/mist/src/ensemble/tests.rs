//! Ensembles against those of the reference.

use super::majority_vote::majority_vote;
use super::patterns::Patterns;
use super::staple::staple;
use super::*;
use crate::golden;
use mist_volume::Geometry;
use serde_json::Value;

fn file(name: &Value) -> PathBuf {
    golden::path("ensemble").join(name.as_str().unwrap())
}

fn map(name: &Value) -> Vec<u8> {
    mist_volume::npy::read_u8(&file(name)).unwrap().1
}

/// Compares where the reference has decided: it marks other voxels by a label that there is not.
fn assert_alike(found: &[u8], expected: &[u8], labels: usize, what: &Value) -> usize {
    let decided = |label: &u8| usize::from(*label) < labels;
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(*found, if decided(expected) { *expected } else { 0 }, "{what}");
    }
    expected.iter().filter(|label| !decided(label)).count()
}

#[test]
fn label_maps_are_joined_as_by_the_reference() {
    for case in golden::json("ensemble/label_cases.json").as_array().unwrap() {
        let maps: Vec<Vec<u8>> = case["inputs"].as_array().unwrap().iter().map(map).collect();
        let maps: Vec<&[u8]> = maps.iter().map(Vec::as_slice).collect();
        let patterns = Patterns::of(&maps);
        let labels = patterns.labels();
        let name = &case["name"];

        let (found, undecided) = patterns.map(&maps, &majority_vote(&patterns));
        let expected = assert_alike(&found, &map(&case["majority_vote"]["file"]), labels, name);
        assert_eq!(undecided as usize, expected, "{name}");

        let estimate = staple(&patterns);
        assert!(estimate.is_settled);
        let (found, undecided) = patterns.map(&maps, &estimate.decisions);
        let expected = assert_alike(&found, &map(&case["staple"]["file"]), labels, name);
        assert_eq!(undecided as usize, expected, "{name}");
        let matrices = case["staple"]["confusion_matrices_row_major"].as_array().unwrap();
        for (found, expected) in estimate.matrices.iter().zip(matrices) {
            let expected: Vec<f64> = serde_json::from_value(expected.clone()).unwrap();
            assert_eq!(found.iter().flatten().count(), expected.len());
            for (found, expected) in found.iter().flatten().zip(&expected) {
                // The reference keeps weights in single precision, and a round more or less changes up to 1e-5.
                assert!((found - expected).abs() < 2e-5, "{found} instead of {expected}: {name}");
            }
        }
    }
}

#[test]
fn probabilities_are_averaged_as_by_the_reference() {
    let case = golden::json("ensemble/prob_case.json");
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let by_x = |size: [usize; 3], index: usize| {
        let [nx, ny, nz] = size;
        let [x, y, z] = [index % nx, index / nx % ny, index / (nx * ny)];
        (x * ny + y) * nz + z
    };
    let mut size = [0; 3];
    for name in case["inputs"].as_array().unwrap() {
        let (shape, values) = mist_volume::npy::read_f32(&file(name)).unwrap();
        let [nx, ny, nz, classes] = shape[..] else { panic!("{name}: {shape:?}") };
        size = [nx, ny, nz];
        let class = |class: usize| {
            let voxels = (0..nx * ny * nz).map(|index| values[by_x(size, index) * classes + class]).collect();
            Volume::new(Geometry::axis_aligned(size, [1.0; 3]), voxels).unwrap()
        };
        let file = folder.path().join(name.as_str().unwrap()).with_extension("nii.gz");
        nifti::write_vector(&file, &(0..classes).map(class).collect::<Vec<_>>()).unwrap();
        files.push(file);
    }
    let labels: Vec<i64> = serde_json::from_value(case["labels"].clone()).unwrap();
    let found = probabilities::join(&files, 4, &labels).unwrap();
    let expected = map(&case["expected"]);
    for (index, label) in found.voxels().iter().enumerate() {
        assert_eq!(*label, expected[by_x(size, index)]);
    }
    let error = probabilities::join(&files, 3, &labels).unwrap_err().to_string();
    assert!(error.contains("4 values per voxel, and the configuration has 3 classes"), "{error}");
    let read = nifti::read_vector(&golden::path("ensemble/prob_in0.nii.gz")).unwrap();
    assert_eq!(read.len(), 4, "a file of the reference");
}
