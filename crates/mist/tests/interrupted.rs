//! A stop that the user asks for. A single test, because the wish concerns the whole process and stays.

use mist::config::Overrides;
use mist::console::{Bar, Console, Silent, TrainingPlan, TrainingStatus, TrainingView};
use mist::error::Kind;
use mist::{analyze, bench, interrupt, preprocess, run_all, train};
use mist_nn::Registry;
use mist_volume::{Geometry, Volume, nifti};
use std::fs;
use std::path::{Path, PathBuf};

/// Asks for a stop when preprocessing begins.
struct StopsAtPreprocessing;

impl Console for StopsAtPreprocessing {
    fn section(&self, title: &str) {
        if title == "Preprocessing" {
            interrupt::request();
        }
    }
    fn info(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn error(&self, _: &str) {}
    fn success(&self, _: &str) {}
    fn bar(&self, title: &str, total: u64) -> Box<dyn Bar> {
        Silent.bar(title, total)
    }
    fn training(&self, plan: TrainingPlan, status: TrainingStatus) -> Box<dyn TrainingView> {
        Silent.training(plan, status)
    }
}

#[test]
fn interrupted_stages_leave_nothing_that_passes_for_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_set(folder.path());
    preprocessing_of_a_run_that_replaces_another(folder.path(), &data);
    analysis(folder.path(), &data);
    measurement();
}

fn data_set(folder: &Path) -> PathBuf {
    for id in ["a", "b"] {
        let case = folder.join("train").join(id);
        fs::create_dir_all(&case).unwrap();
        let volume = Volume::from_fn(Geometry::axis_aligned([4, 4, 4], [1.0; 3]), |[x, y, z]| (x * y * z) as f32);
        nifti::write(&case.join("image.nii.gz"), &volume).unwrap();
        nifti::write(&case.join("mask.nii.gz"), &volume.map(|&value| f32::from(value > 3.0))).unwrap();
    }
    let data = folder.join("dataset.json");
    let description = r#"{"task": "t", "modality": "mr", "train-data": "train", "mask": ["mask"],
        "images": {"mr": ["image"]}, "labels": [0, 1], "final_classes": {"a": [1]}}"#;
    fs::write(&data, description).unwrap();
    data
}

fn analyze_options(results: &Path, data: &Path, overwrite: bool) -> analyze::Options {
    let (data, results) = (data.to_owned(), results.to_owned());
    analyze::Options {
        data,
        results,
        nfolds: Some(2),
        gpu_memory: analyze::GpuMemory::Assumed,
        batch_size_per_gpu: None,
        workers: 2,
        verify: false,
        data_dump: false,
        overwrite,
    }
}

/// What the replaced run had trained must not be resumed, and its arrays not be kept.
fn preprocessing_of_a_run_that_replaces_another(folder: &Path, data: &Path) {
    let (results, numpy) = (folder.join("replaced"), folder.join("numpy"));
    analyze::run(&analyze_options(&results, data, false), &Registry::builtin(), &Silent).unwrap();
    let earlier = [
        "models/fold_0.pt",
        "models/fold_3.pt",
        "checkpoints/fold_0_checkpoint.pt",
        "checkpoints/fold_0_checkpoint.previous.pt",
        "predictions/train/raw/a.nii.gz",
        "results.csv",
    ]
    .map(|file| results.join(file));
    for file in &earlier {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "earlier").unwrap();
    }
    fs::create_dir_all(&numpy).unwrap();

    let options = run_all::Options {
        analyze: analyze_options(&results, data, true),
        preprocess: preprocess::Options {
            resume: false,
            results: results.clone(),
            numpy: numpy.clone(),
            workers: 1,
            no_preprocess: None,
            compute_dtms: None,
            max_memory: None,
            overwrite: true,
        },
        train: train::Options {
            pretrained: None,
            results: results.clone(),
            numpy: numpy.clone(),
            overrides: Overrides::default(),
            folds: None,
            resume: false,
            verify_determinism: false,
            dry_run: false,
            evaluate_workers: 1,
            max_memory: None,
            overwrite: true,
        },
    };
    let error = run_all::run(&options, &Registry::builtin(), &StopsAtPreprocessing).unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    let hint = error.advice().unwrap();
    assert!(hint.starts_with("continue with the same command, but --resume instead of --overwrite"), "{hint}");
    for file in &earlier {
        assert!(!file.exists(), "{}", file.display());
    }
    assert!(results.join("config.json").is_file(), "the new analysis is kept");
    assert!(preprocess::is_unfinished(&numpy));
}

fn analysis(folder: &Path, data: &Path) {
    let results = folder.join("results");
    let error = analyze::run(&analyze_options(&results, data, false), &Registry::builtin(), &Silent).unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert_eq!(fs::read_dir(&results).unwrap().count(), 0);
}

fn measurement() {
    let options = bench::Options {
        model: "nnunet-pocket".into(),
        patch_size: [32; 3],
        batch_size: 1,
        pass: bench::Pass::Forward,
        in_channels: 1,
        out_channels: 2,
        vector_instructions: None,
        threads: Some(1),
        seconds: 0.0,
        json: false,
        layers: false,
        loader: false,
    };
    let error = bench::run(&options, &Registry::builtin(), &Silent).unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert!(error.advice().unwrap().starts_with("start the same command again"));
}
