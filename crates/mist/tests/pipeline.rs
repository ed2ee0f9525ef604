//! Analysis and preprocessing of whole data sets, compared with what the reference wrote.

use mist::console::Silent;
use mist::tables::{BoundingBoxes, TrainPaths};
use mist::{analyze, preprocess};
use mist_nn::Registry;
use mist_volume::npy;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn golden(set: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/pipeline").join(set)
}

/// Wording, the place of the configuration, and a copy from it that is compared there.
const FREE: [&str; 3] = ["/observations", "/mist_config_path", "/image_statistics/dimensions/resampled_median"];

/// One unit of the last of four decimals.
const ROUNDING: f64 = 1.01e-4;

/// Compares two data dumps key by key.
fn compare_dumps(at: &str, found: &Value, expected: &Value, loose: f64, compared: &mut usize) {
    match (found, expected) {
        _ if FREE.contains(&at) => {}
        (Value::Object(found), Value::Object(expected)) => {
            assert!(found.keys().eq(expected.keys()), "keys of {at}: {:?}", found.keys().collect::<Vec<_>>());
            for (key, value) in found {
                compare_dumps(&format!("{at}/{key}"), value, &expected[key], loose, compared);
            }
        }
        (Value::Number(found), Value::Number(expected)) => {
            let (a, b) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            let spread = ["linearity", "planarity", "sphericity"].iter().any(|name| at.ends_with(name));
            // Besides, one unit of f32.
            let tolerance = if spread { loose } else { ROUNDING + 2e-7 * b.abs() };
            assert!((a - b).abs() <= tolerance, "{at}: {a} and {b}");
            assert_eq!(found.is_f64(), expected.is_f64(), "{at}");
            *compared += 1;
        }
        _ => assert_eq!(found, expected, "{at}"),
    }
}

/// Results and arrays of one run.
struct Run {
    folder: tempfile::TempDir,
    set: &'static str,
}

impl Run {
    /// Analyzes and preprocesses the data set described by `data`.
    fn of(set: &'static str, data: PathBuf, workers: usize) -> Self {
        let run = Self { folder: tempfile::tempdir().unwrap(), set };
        let (results, numpy) = (run.path("results"), run.path("numpy"));
        let options = analyze::Options {
            data,
            results: results.clone(),
            nfolds: Some(3),
            gpu_memory: analyze::GpuMemory::Assumed,
            batch_size_per_gpu: None,
            workers,
            verify: true,
            data_dump: true,
            overwrite: false,
        };
        assert_eq!(analyze::run(&options, &Registry::builtin(), &Silent).unwrap(), []);
        let options = preprocess::Options {
            resume: false,
            results,
            numpy,
            workers,
            no_preprocess: None,
            compute_dtms: Some(true),
            max_memory: None,
            overwrite: false,
        };
        assert_eq!(preprocess::run(&options, &Registry::builtin(), &Silent).unwrap(), []);
        run
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> String {
        fs::read_to_string(self.path("results/config.json")).unwrap()
    }

    fn golden_config(&self) -> String {
        fs::read_to_string(golden(self.set).join("results/config.json")).unwrap()
    }

    /// Compares `data_dump.json`: keys and their order, words, and numbers. These are rounded to 2 or 4 decimals on both sides,
    /// and the reference sums intensities in f32. Of labels of more than 10 000 voxels it takes a random subset for the
    /// spread of their voxels, so `loose` says how far these may differ.
    fn check_dump(&self, loose: f64) {
        let read = |folder: &Path| -> Value {
            serde_json::from_str(&fs::read_to_string(folder.join("results/data_dump.json")).unwrap()).unwrap()
        };
        let (found, expected) = (read(self.folder.path()), read(&golden(self.set)));
        let mut compared = 0;
        compare_dumps("", &found, &expected, loose, &mut compared);
        assert!(compared > 80, "{compared} numbers");
        let sentences = |dump: &Value| dump["observations"].as_array().unwrap().len();
        assert_eq!(sentences(&found), sentences(&expected), "{}", found["observations"]);
        let markdown = fs::read_to_string(self.path("results/data_dump.md")).unwrap();
        for sentence in found["observations"].as_array().unwrap() {
            assert!(markdown.contains(sentence.as_str().unwrap()));
        }
    }

    fn check_tables(&self) {
        let read = |folder: &Path| {
            let table = TrainPaths::read(&folder.join("results/train_paths.csv")).unwrap();
            let rows: Vec<(String, usize)> = table.cases.into_iter().map(|case| (case.id, case.fold)).collect();
            (table.images, rows, BoundingBoxes::read(&folder.join("results/fg_bboxes.csv")).unwrap())
        };
        assert_eq!(read(self.folder.path()), read(&golden(self.set)));
    }

    /// Compares every array with the sums that were noted of the reference's.
    fn check_summaries(&self) {
        let text = fs::read_to_string(golden(self.set).join("arrays.json")).unwrap();
        let summaries: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
        let mut compared = 0;
        // Its maps of labels that are not consecutive are wrong: it looks for the label, where there are class indices.
        let wrong = |name: &str| self.set == "ct_aniso" && name.contains("dtms");
        for (name, summary) in summaries.iter().filter(|(name, _)| !wrong(name)) {
            let (shape, values) = npy::read_f32(&self.path(name)).unwrap();
            let expected = |key: &str| summary[key].as_f64().unwrap();
            let shape: Vec<f64> = shape.into_iter().map(|n| n as f64).collect();
            let expected_shape: Vec<f64> =
                summary["shape"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
            assert_eq!(shape, expected_shape, "{name}");
            let tolerance = if name.contains("labels") { 0.0 } else { 1e-5 };
            let wide = values.iter().map(|&value| f64::from(value));
            let close = |found: f64, key: &str, tolerance: f64| {
                assert!((found - expected(key)).abs() <= tolerance, "{key} of {name}: {found} and {}", expected(key));
            };
            close(wide.clone().sum(), "sum", tolerance * values.len() as f64);
            close(
                wide.clone().map(|v| v * v).sum::<f64>().sqrt(),
                "l2",
                1e-9 + tolerance * (values.len() as f64).sqrt(),
            );
            close(wide.clone().fold(f64::MAX, f64::min), "min", tolerance);
            close(wide.clone().fold(f64::MIN, f64::max), "max", tolerance);
            compared += 1;
        }
        assert!(compared >= 8, "{compared} arrays");
    }

    /// Compares the arrays of one case voxel by voxel.
    fn check_arrays(&self, id: &str) {
        let (shape, labels) = npy::read_u8(&self.path(&format!("numpy/labels/{id}.npy"))).unwrap();
        let (golden_shape, golden_labels) = npy::read_u8(&self.unpacked(&format!("numpy/labels/{id}.npy"))).unwrap();
        assert_eq!(shape, golden_shape);
        let different = labels.iter().zip(&golden_labels).filter(|(a, b)| a != b).count();
        assert_eq!(different, 0, "of {} voxels of the labels of {id}", labels.len());

        let (shape, image) = npy::read_f32(&self.path(&format!("numpy/images/{id}.npy"))).unwrap();
        let (golden_shape, golden_image) = npy::read_f32(&self.unpacked(&format!("numpy/images/{id}.npy"))).unwrap();
        assert_eq!(shape, golden_shape);
        let largest = image.iter().zip(&golden_image).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-5, "images of {id} differ by {largest}");

        if self.set == "ct_aniso" {
            return; // see check_summaries
        }
        let (shape, maps) = npy::read_f32(&self.path(&format!("numpy/dtms/{id}.npy"))).unwrap();
        let (golden_shape, golden_maps) = npy::read_f32(&self.unpacked(&format!("numpy/dtms/{id}.npy"))).unwrap();
        assert_eq!(shape, golden_shape);
        let largest = maps.iter().zip(&golden_maps).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-6, "distance maps of {id} differ by {largest}");
    }

    fn unpacked(&self, name: &str) -> PathBuf {
        let packed = fs::File::open(golden(self.set).join(format!("{name}.gz"))).unwrap();
        let path = self.path(&format!("golden-{}", name.replace('/', "-")));
        std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut fs::File::create(&path).unwrap()).unwrap();
        path
    }
}

#[test]
fn anisotropic_ct_with_labels_that_are_not_consecutive() {
    let run = Run::of("ct_aniso", golden("ct_aniso").join("dataset.json"), 2);
    assert_eq!(run.config(), run.golden_config());
    run.check_tables();
    run.check_summaries();
    run.check_arrays("p04");
    run.check_dump(0.02);
}

#[test]
fn four_channels_with_permuted_axes() {
    let run = Run::of("mr4", golden("mr4").join("dataset.json"), 1);
    // The reference takes the median size over axes in file order; case b has them permuted.
    let corrected = run.golden_config().replacen("      48,\n      44\n", "      48,\n      40\n", 1);
    assert_ne!(corrected, run.golden_config());
    assert_eq!(run.config(), corrected);
    run.check_tables();
    run.check_summaries();
    run.check_arrays("b");
    run.check_dump(ROUNDING);
}

#[test]
fn real_scans_that_need_no_resampling() {
    let data = std::env::var_os("MIST_TEST_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let source = data.join("Task04_Hippocampus");
    if !source.exists() {
        println!("skipped: no scans in {}", source.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let table = TrainPaths::read(&golden("hippocampus").join("results/train_paths.csv")).unwrap();
    for case in table.cases {
        let target = folder.path().join("raw/train").join(&case.id);
        fs::create_dir_all(&target).unwrap();
        let name = format!("{}.nii.gz", case.id);
        fs::copy(source.join("imagesTr").join(&name), target.join("MRI.nii.gz")).unwrap();
        fs::copy(source.join("labelsTr").join(&name), target.join("mask.nii.gz")).unwrap();
    }
    fs::copy(golden("hippocampus").join("dataset.json"), folder.path().join("dataset.json")).unwrap();
    let run = Run::of("hippocampus", folder.path().join("dataset.json"), 2);
    assert_eq!(run.config(), run.golden_config());
    run.check_tables();
    run.check_summaries();
    run.check_arrays("hippocampus_006");
    run.check_dump(ROUNDING);
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let runs = [1, 3].map(|workers| Run::of("mr4", golden("mr4").join("dataset.json"), workers));
    let mut compared = 0;
    for folder in ["results", "numpy/images", "numpy/labels", "numpy/dtms"] {
        for entry in fs::read_dir(runs[0].path(folder)).unwrap() {
            let name = entry.unwrap().file_name();
            if name.to_string_lossy().starts_with('.') {
                continue; // the lock of config.json
            }
            let [one, three] = [0, 1].map(|run: usize| {
                let bytes = fs::read(runs[run].path(folder).join(&name)).unwrap();
                // The data dump says where the configuration lies.
                let own = runs[run].folder.path().to_string_lossy();
                if name.to_string_lossy().starts_with("data_dump") {
                    return String::from_utf8(bytes).unwrap().replace(&*own, "").into_bytes();
                }
                bytes
            });
            assert!(one == three, "{}", name.display());
            compared += 1;
        }
    }
    assert_eq!(compared, 6 + 4 + 4 + 4);
}
