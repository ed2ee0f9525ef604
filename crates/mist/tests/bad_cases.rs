//! Data sets with cases that cannot be used: each is reported by id, file and stage, and the others go on.

use mist::console::Silent;
use mist::error::{CaseFailure, Kind};
use mist::{analyze, preprocess};
use mist_nn::Registry;
use mist_volume::{Geometry, Volume, nifti};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder with a data set of small healthy cases, to be damaged.
struct DataSet {
    folder: tempfile::TempDir,
}

impl DataSet {
    fn new(ids: &[&str]) -> Self {
        let data_set = Self { folder: tempfile::tempdir().unwrap() };
        for id in ids {
            fs::create_dir_all(data_set.case(id)).unwrap();
            data_set.write(id, "image.nii.gz", &image([12, 10, 8]));
            data_set.write(id, "mask.nii.gz", &mask([12, 10, 8], 1.0));
        }
        let description = r#"{
            "task": "t", "modality": "mr", "train-data": "train", "mask": ["mask"], "images": {"mr": ["image"]},
            "labels": [0, 1, 2], "final_classes": {"a": [1], "b": [2]}
        }"#;
        fs::write(data_set.path("dataset.json"), description).unwrap();
        data_set
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn case(&self, id: &str) -> PathBuf {
        self.path("train").join(id)
    }

    fn write(&self, id: &str, name: &str, volume: &Volume<f32>) {
        nifti::write(&self.case(id).join(name), volume).unwrap();
    }

    fn analyze_options(&self, verify: bool) -> analyze::Options {
        analyze::Options {
            data: self.path("dataset.json"),
            results: self.path("results"),
            nfolds: Some(2),
            gpu_memory: analyze::GpuMemory::Assumed,
            batch_size_per_gpu: None,
            workers: 2,
            verify,
            data_dump: false,
            overwrite: true,
        }
    }

    fn analyze(&self, verify: bool) -> mist::Result<Vec<CaseFailure>> {
        analyze::run(&self.analyze_options(verify), &Registry::builtin(), &Silent)
    }

    fn preprocess_options(&self) -> preprocess::Options {
        preprocess::Options {
            resume: false,
            results: self.path("results"),
            numpy: self.path("numpy"),
            workers: 2,
            no_preprocess: None,
            compute_dtms: None,
            max_memory: None,
            overwrite: true,
        }
    }

    fn preprocess(&self) -> Vec<CaseFailure> {
        preprocess::run(&self.preprocess_options(), &Registry::builtin(), &Silent).unwrap()
    }
}

fn image(size: [usize; 3]) -> Volume<f32> {
    Volume::from_fn(Geometry::axis_aligned(size, [1.0; 3]), |[x, y, z]| (1 + x * y + 3 * z) as f32)
}

fn mask(size: [usize; 3], label: f32) -> Volume<f32> {
    let inside = |[x, y, z]: [usize; 3]| x > 3 && x < 8 && y > 2 && y < 6 && z > 1 && z < 6;
    Volume::from_fn(Geometry::axis_aligned(size, [1.0; 3]), |index| if inside(index) { label } else { 0.0 })
}

/// Cuts the file's last quarter off.
fn truncate(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() * 3 / 4]).unwrap();
}

/// Turns a 3-D file into a 4-D one of the same length: sizes 6, 10, 8 and 2 instead of 12, 10 and 8.
fn make_4d(data_set: &DataSet, id: &str) {
    let file = data_set.case(id).join("image.nii");
    nifti::write(&file, &image([12, 10, 8])).unwrap();
    fs::remove_file(data_set.case(id).join("image.nii.gz")).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    for (position, value) in [4_i16, 6, 10, 8, 2].into_iter().enumerate() {
        bytes[40 + 2 * position..42 + 2 * position].copy_from_slice(&value.to_le_bytes());
    }
    fs::write(&file, bytes).unwrap();
}

fn ids(failures: &[CaseFailure]) -> Vec<&str> {
    failures.iter().map(|failure| failure.id.as_str()).collect()
}

fn train_ids(data_set: &DataSet) -> Vec<String> {
    let table = mist::tables::TrainPaths::read(&data_set.path("results/train_paths.csv")).unwrap();
    let mut ids: Vec<String> = table.cases.into_iter().map(|case| case.id).collect();
    ids.sort();
    ids
}

#[test]
fn analysis_leaves_out_what_cannot_be_read() {
    let all = ["cut", "empty", "flat", "good1", "good2", "nan", "size", "text", "unmasked"];
    let data_set = DataSet::new(&all);
    truncate(&data_set.case("cut").join("image.nii.gz"));
    fs::write(data_set.case("empty").join("image.nii.gz"), b"").unwrap();
    make_4d(&data_set, "flat");
    let mut damaged = image([12, 10, 8]);
    damaged.voxels_mut()[77] = f32::NAN;
    data_set.write("nan", "image.nii.gz", &damaged);
    data_set.write("size", "mask.nii.gz", &mask([12, 10, 7], 1.0));
    fs::write(data_set.case("text").join("mask.nii.gz"), b"not an image, by any means".repeat(40)).unwrap();
    fs::remove_file(data_set.case("unmasked").join("mask.nii.gz")).unwrap();

    let failures = data_set.analyze(false).unwrap();
    let mut failed = ids(&failures);
    failed.sort_unstable();
    assert_eq!(failed, ["cut", "empty", "flat", "nan", "size", "text", "unmasked"]);
    let nan = failures.iter().find(|failure| failure.id == "nan").unwrap();
    assert!(nan.file.as_ref().unwrap().ends_with("train/nan/image.nii.gz"));
    assert_eq!(nan.stage, "reading");
    assert!(nan.reason.contains("(5, 6, 0) is NaN"), "{nan}");
    assert_eq!(train_ids(&data_set), ["good1", "good2"]);
    assert!(data_set.preprocess().is_empty());
}

#[test]
fn verification_refuses_masks_with_other_values_than_labels() {
    let data_set = DataSet::new(&["a", "b", "foreign", "fraction"]);
    data_set.write("foreign", "mask.nii.gz", &mask([12, 10, 8], 7.0));
    data_set.write("fraction", "mask.nii.gz", &mask([12, 10, 8], 1.5));
    assert!(data_set.analyze(false).unwrap().is_empty());
    assert_eq!(train_ids(&data_set), ["a", "b", "foreign", "fraction"]);

    let failures = data_set.analyze(true).unwrap();
    assert_eq!(ids(&failures), ["foreign", "fraction"]);
    assert!(failures[0].reason.contains("7"), "{}", failures[0]);
    assert!(failures[1].reason.contains("whole"), "{}", failures[1]);
    assert_eq!(train_ids(&data_set), ["a", "b"]);
}

#[test]
fn verification_says_of_every_case_what_was_checked() {
    let data_set = DataSet::new(&["a", "bare", "c", "foreign", "tiny", "unmasked"]);
    let tiny = Geometry::axis_aligned([12, 10, 8], [0.001; 3]);
    data_set.write("tiny", "image.nii.gz", &Volume::from_fn(tiny, |[x, y, z]| (x + y + z) as f32));
    data_set.write("tiny", "mask.nii.gz", &Volume::from_fn(tiny, |[x, ..]| (x % 2) as f32));
    data_set.write("bare", "mask.nii.gz", &mask([12, 10, 8], 0.0));
    data_set.write("foreign", "mask.nii.gz", &mask([12, 10, 8], 7.0));
    fs::remove_file(data_set.case("unmasked").join("mask.nii.gz")).unwrap();
    data_set.analyze(true).unwrap();

    let text = fs::read_to_string(data_set.path("results/verification.csv")).unwrap();
    let checks = |case: &str| -> Vec<String> {
        let rows = text.lines().filter(|row| row.starts_with(&format!("{case},")));
        rows.map(|row| {
            let fields: Vec<&str> = row.split(',').collect();
            format!("{} {}", fields[1], fields[fields.len() - 1])
        })
        .collect()
    };
    assert!(text.starts_with("case,check,values,verdict\n"), "{text}");
    let passed = ["files passed", "grid passed", "voxels passed", "labels passed", "foreground passed"];
    assert_eq!(checks("a"), [&passed[..], &["orientation passed", "spacing passed"]].concat());
    assert_eq!(
        checks("bare"),
        [&passed[..4], &["foreground warning", "orientation passed", "spacing passed"]].concat()
    );
    assert_eq!(checks("tiny"), [&passed[..], &["orientation passed", "spacing warning"]].concat());
    assert_eq!(checks("foreign"), [&passed[..3], &["labels failed"]].concat());
    assert_eq!(checks("unmasked"), ["files failed"]);

    data_set.analyze(false).unwrap();
    assert!(!data_set.path("results/verification.csv").exists(), "it would be of an earlier analysis");
}

#[test]
fn verification_reads_the_test_cases_and_plans_without_them() {
    let data_set = DataSet::new(&["a", "b"]);
    let description = fs::read_to_string(data_set.path("dataset.json")).unwrap();
    fs::write(data_set.path("dataset.json"), description.replace(r#""mask": "#, r#""test-data": "test", "mask": "#))
        .unwrap();
    let config = |verify| {
        let failures = data_set.analyze(verify).unwrap();
        (failures, fs::read_to_string(data_set.path("results/config.json")).unwrap())
    };
    let mut hollow = image([12, 10, 8]);
    hollow.voxels_mut()[700] = f32::NAN;
    // One has the id of a training case.
    for (id, scan) in [("a", &image([12, 10, 8])), ("cut", &image([40, 40, 40])), ("hollow", &hollow)] {
        let folder = data_set.path("test").join(id);
        fs::create_dir_all(&folder).unwrap();
        nifti::write(&folder.join("image.nii.gz"), scan).unwrap();
    }
    truncate(&data_set.path("test/cut/image.nii.gz"));

    let (failures, without) = config(false);
    assert!(failures.is_empty(), "only headers are read");
    let (failures, with) = config(true);
    assert_eq!(ids(&failures), ["cut", "hollow"]);
    assert_eq!(with, without, "the plan is that of the training cases");
    let table = fs::read_to_string(data_set.path("results/test_paths.csv")).unwrap();
    let listed: Vec<&str> = table.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(listed, ["a"]);

    let text = fs::read_to_string(data_set.path("results/verification.csv")).unwrap();
    let rows: Vec<String> = text
        .lines()
        .skip(1)
        .map(|row| {
            let fields: Vec<&str> = row.split(',').collect();
            [fields[0], fields[1], fields[fields.len() - 1]].join(" ")
        })
        .collect();
    assert_eq!(rows[0], "a files passed");
    assert_eq!(
        rows[14..],
        [
            "a files passed",
            "a grid passed",
            "a voxels passed",
            "a orientation passed",
            "cut files passed",
            "cut grid passed",
            "cut voxels failed",
            "hollow files passed",
            "hollow grid passed",
            "hollow voxels failed",
        ]
    );
}

#[test]
fn the_data_dump_keeps_what_the_user_wrote() {
    let data_set = DataSet::new(&["a", "b"]);
    let options = analyze::Options { data_dump: true, ..data_set.analyze_options(false) };
    let run = || analyze::run(&options, &Registry::builtin(), &Silent).unwrap();
    run();
    let file = data_set.path("results/data_dump.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("## Summary").unwrap();
    fs::write(&file, format!("{before}Knees of rowers.\n\n## Summary{after}")).unwrap();
    run();
    let again = fs::read_to_string(&file).unwrap();
    assert!(again.contains("Knees of rowers."), "{again}");
    // Without --data-dump it stays.
    data_set.analyze(false).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), again);
}

#[test]
fn rounding_of_origins_is_no_reason_to_leave_a_case_out() {
    let data_set = DataSet::new(&["a", "b"]);
    let (geometry, voxels) = mask([12, 10, 8], 1.0).into_parts();
    let shifted = Geometry { origin: [2e-5, 0.0, -3e-5], ..geometry };
    data_set.write("a", "mask.nii.gz", &Volume::new(shifted, voxels).unwrap());
    assert!(data_set.analyze(true).unwrap().is_empty());
    assert!(data_set.preprocess().is_empty());
}

#[test]
fn too_few_usable_cases_fail_and_write_nothing() {
    let data_set = DataSet::new(&["a", "b"]);
    truncate(&data_set.case("b").join("mask.nii.gz"));
    let error = data_set.analyze(false).unwrap_err();
    assert_eq!(error.kind(), Kind::Failure);
    assert!(error.to_string().contains("1 usable case"), "{error}");
    assert!(!data_set.path("results/config.json").exists());
    assert!(!data_set.path("results/train_paths.csv").exists());
}

#[test]
fn an_analysis_is_not_replaced_by_accident() {
    let data_set = DataSet::new(&["a", "b"]);
    data_set.analyze(false).unwrap();
    let before = fs::read(data_set.path("results/config.json")).unwrap();
    let careful = analyze::Options { overwrite: false, nfolds: None, ..data_set.analyze_options(false) };
    assert!(analyze::run(&careful, &Registry::builtin(), &Silent).is_err());
    assert_eq!(fs::read(data_set.path("results/config.json")).unwrap(), before);
}

#[test]
fn one_fold_is_a_mistake_of_the_user() {
    let data_set = DataSet::new(&["a", "b"]);
    let options = analyze::Options { nfolds: Some(1), ..data_set.analyze_options(false) };
    assert_eq!(analyze::run(&options, &Registry::builtin(), &Silent).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn preprocessing_goes_on_without_a_case_that_broke_since() {
    let data_set = DataSet::new(&["a", "b", "c"]);
    data_set.analyze(false).unwrap();
    assert!(data_set.preprocess().is_empty());
    assert!(data_set.path("numpy/images/b.npy").exists());

    truncate(&data_set.case("b").join("image.nii.gz"));
    assert_eq!(ids(&data_set.preprocess()), ["b"]);
    for kind in ["images", "labels"] {
        assert!(data_set.path(&format!("numpy/{kind}/a.npy")).exists());
        assert!(
            !data_set.path(&format!("numpy/{kind}/b.npy")).exists(),
            "arrays of the earlier run must not pass as new"
        );
        let names: Vec<_> = fs::read_dir(data_set.path(&format!("numpy/{kind}"))).unwrap().collect();
        assert_eq!(names.len(), 2, "no temporary files");
    }
}

#[test]
fn distance_maps_do_not_outlast_the_arrays_that_they_belong_to() {
    let data_set = DataSet::new(&["a", "b"]);
    data_set.analyze(false).unwrap();
    let preprocess = |compute_dtms| {
        let options = preprocess::Options { compute_dtms: Some(compute_dtms), ..data_set.preprocess_options() };
        preprocess::run(&options, &Registry::builtin(), &Silent).unwrap();
        ["a", "b"].map(|id| data_set.path(&format!("numpy/dtms/{id}.npy")).exists())
    };
    assert_eq!(preprocess(true), [true, true]);
    assert_eq!(preprocess(false), [false, false]);
}

/// As a killed run leaves them, some time ago.
#[test]
fn abandoned_temporary_files_are_swept_from_every_folder_that_is_used_again() {
    let data_set = DataSet::new(&["a", "b"]);
    data_set.analyze(false).unwrap();
    data_set.preprocess();
    let abandon = |folder: &str| {
        let path = data_set.path(folder).join(".mist-writing-abandoned");
        let hour = std::time::Duration::from_secs(3600);
        fs::File::create(&path).unwrap().set_modified(std::time::SystemTime::now() - hour).unwrap();
        path
    };
    let in_arrays = ["numpy", "numpy/images", "numpy/labels"].map(abandon);
    data_set.preprocess();
    assert!(in_arrays.iter().all(|path| !path.exists()), "preprocess");

    let in_results = abandon("results");
    let finalize = mist::finalize::Options {
        results: data_set.path("results"),
        workers: 1,
        device: "cpu".into(),
        max_memory: None,
    };
    mist::finalize::run(&finalize, &Registry::builtin(), &Silent).expect_err("nothing is trained");
    assert!(!in_results.exists(), "finalize");
    let in_results = abandon("results");
    data_set.analyze(false).unwrap();
    assert!(!in_results.exists(), "analyze");
}

#[test]
fn arrays_are_not_replaced_by_accident() {
    let data_set = DataSet::new(&["a", "b"]);
    data_set.analyze(false).unwrap();
    data_set.preprocess();
    let careful = preprocess::Options { overwrite: false, ..data_set.preprocess_options() };
    assert!(preprocess::run(&careful, &Registry::builtin(), &Silent).is_err());
}

#[test]
fn preprocessing_names_what_is_missing() {
    let data_set = DataSet::new(&["a", "b"]);
    data_set.analyze(false).unwrap();
    fs::remove_file(data_set.path("results/fg_bboxes.csv")).unwrap();
    fs::remove_file(data_set.path("results/train_paths.csv")).unwrap();
    let error = preprocess::run(&data_set.preprocess_options(), &Registry::builtin(), &Silent).unwrap_err();
    assert!(error.to_string().contains("train_paths.csv, fg_bboxes.csv"), "{error}");
}

#[test]
fn skipping_is_remembered_and_can_be_switched_off() {
    let data_set = DataSet::new(&["a", "b"]);
    data_set.write("a", "mask.nii.gz", &mask([12, 10, 8], 2.0));
    data_set.analyze(false).unwrap();
    let skip = |answer| {
        let options = preprocess::Options { no_preprocess: answer, ..data_set.preprocess_options() };
        preprocess::run(&options, &Registry::builtin(), &Silent).unwrap();
        let config = fs::read_to_string(data_set.path("results/config.json")).unwrap();
        config.contains("\"skip\": true")
    };
    assert!(!skip(None));
    assert!(skip(Some(true)));
    assert!(skip(None));
    assert!(!skip(Some(false)));
}

/// Headers with a slip in the unit: what would need more memory than there is is left out, what becomes tiny is said.
#[test]
fn an_absurd_spacing_is_an_error_of_its_case() {
    let data_set = DataSet::new(&["a", "b", "c", "huge", "tiny"]);
    let respaced = |id: &str, spacing: f64| {
        for (name, volume) in [("image.nii.gz", image([12, 10, 8])), ("mask.nii.gz", mask([12, 10, 8], 1.0))] {
            let (geometry, voxels) = volume.into_parts();
            let geometry = Geometry { spacing: [spacing; 3], ..geometry };
            data_set.write(id, name, &Volume::new(geometry, voxels).unwrap());
        }
    };
    respaced("huge", 1e6);
    respaced("tiny", 1e-3);
    let failures = data_set.analyze(false).unwrap();
    assert_eq!(ids(&failures), ["huge"]);
    assert!(failures[0].reason.contains("check the spacing and the unit"), "{}", failures[0]);
    assert!(data_set.preprocess().is_empty());

    // A header that was edited since, or a target spacing.
    respaced("b", 1e6);
    let failures = data_set.preprocess();
    assert_eq!((ids(&failures), failures[0].stage.as_str()), (vec!["b"], "resampling"));
    respaced("b", 1.0);
    let config = data_set.path("results/config.json");
    let text = fs::read_to_string(&config).unwrap();
    let target = text.find("\"target_spacing\": [").expect("a key");
    let end = target + text[target..].find(']').expect("an end");
    fs::write(&config, format!("{}\"target_spacing\": [1e-6, 1e-6, 1e-6{}", &text[..target], &text[end..])).unwrap();
    let mut failed: Vec<String> = data_set.preprocess().into_iter().map(|failure| failure.id).collect();
    failed.sort();
    assert_eq!(failed, ["a", "b", "c", "tiny"]);
}
