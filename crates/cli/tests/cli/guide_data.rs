//! The published guide on configuration, patch size and parallelism: what analysis decides and how the stages use the machine.

use crate::scans::{change, data_set, predict_quickly, prepared};
use crate::shell::Shell;
use mist_volume::{Geometry, Volume, nifti};
use serde_json::{Value, json};
use std::path::Path;

/// Three made-up patients of one size and spacing, whose scans have no margin that would be cropped.
fn patients(size: [usize; 3], spacing: [f64; 3]) -> Shell {
    let shell = Shell::new();
    for case in ["a", "b", "c"] {
        let folder = shell.path("data/train").join(case);
        std::fs::create_dir_all(&folder).expect("a folder");
        let geometry = Geometry::axis_aligned(size, spacing);
        let scan = Volume::from_fn(geometry, |[x, y, z]| ((x * 31 + y * 17 + z * 7) % 97) as u8);
        nifti::write(&folder.join("ct.nii.gz"), &scan).expect("a scan");
        let mask = Volume::from_fn(geometry, |index| u8::from(index.iter().all(|at| (8..16).contains(at))));
        nifti::write(&folder.join("mask.nii.gz"), &mask).expect("a mask");
    }
    let description = json!({
        "task": "made up", "modality": "other", "train-data": "train", "mask": ["mask"], "images": {"ct": ["ct"]},
        "labels": [0, 1]
    });
    shell.write("data/dataset.json", &description.to_string());
    shell
}

fn config(shell: &Shell) -> Value {
    serde_json::from_slice(&std::fs::read(shell.path("results/config.json")).expect("a config")).expect("JSON")
}

/// The patch that analysis chooses with these flags.
fn patch(shell: &Shell, flags: &str) -> Value {
    let line = format!("analyze --data data/dataset.json --nfolds 3 --overwrite {flags}");
    shell.mist(&line).exits(0);
    config(shell)["spatial_config"]["patch_size"].clone()
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn configuration_file_has_the_sections_of_the_guide() {
    let shell = prepared();
    let config = config(&shell);
    let sections: Vec<&String> = config.as_object().expect("an object").keys().collect();
    let guide = [
        "mist_version",
        "dataset_info",
        "spatial_config",
        "preprocessing",
        "model",
        "training",
        "inference",
        "evaluation",
    ];
    assert_eq!(sections, guide);
    change(&shell, |config| config["inference"]["inferer"]["params"]["patch_overlap"] = json!(1.0));
    shell.mist("config check results/config.json").exits(1).stdout_has("patch_overlap");
}

#[test]
fn configuration_file_images_prepared_elsewhere() {
    let shell = prepared();
    let array = shell.path("numpy/images/015.npy");
    let normalized = bytes(&array);
    // By the entry, then by the flag, which is stored.
    change(&shell, |config| config["preprocessing"]["skip"] = json!(true));
    shell.mist("preprocess --results results --overwrite").exits(0);
    let as_they_are = bytes(&array);
    assert!(as_they_are != normalized);
    change(&shell, |config| config["preprocessing"]["skip"] = json!(false));
    shell.mist("preprocess --results results --overwrite --no-preprocess").exits(0);
    assert!(bytes(&array) == as_they_are);
    assert_eq!(config(&shell)["preprocessing"]["skip"], true);

    let scan = nifti::read(&shell.path("data/train/015/mr.nii.gz")).expect("a scan");
    let stored = &as_they_are[as_they_are.len() - 4 * scan.voxels().len()..];
    let mut values: Vec<f32> = stored.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let mut expected = scan.voxels().to_vec();
    // Axes are stored in another order.
    values.sort_by(f32::total_cmp);
    expected.sort_by(f32::total_cmp);
    assert!(values == expected, "the voxels of the file");
}

#[test]
fn patch_size_selection_voxel_budget() {
    let shell = patients([96; 3], [1.0; 3]);
    // (3 GiB / 16 GiB) × 128³ × (2 / 2) voxels are 73³; there is no GPU that would change this, as the flag wins.
    assert_eq!(patch(&shell, "--memory-budget 3GiB"), json!([64, 64, 64]));
    // Twice the batch, half the voxels; twice the memory, as before.
    assert_eq!(patch(&shell, "--memory-budget 3GiB --batch-size-per-gpu 4"), json!([32, 32, 32]));
    assert_eq!(patch(&shell, "--memory-budget 6GiB --batch-size-per-gpu 4"), json!([64, 64, 64]));
    // 128³ voxels are more than these images have.
    assert_eq!(patch(&shell, "--memory-budget 16GiB"), json!([96, 96, 96]));
    let stored = config(&shell).to_string();
    assert!(!stored.contains("budget"), "the budget is not stored: {stored}");
}

#[test]
fn patch_size_selection_isotropic_mode() {
    // What an axis does not need goes to the others: 110 voxels, of which there are 96.
    let shell = patients([96, 96, 40], [1.0; 3]);
    assert_eq!(patch(&shell, "--memory-budget 3GiB"), json!([96, 96, 32]));
    assert_eq!(patch(&shell, "--memory-budget 1536MiB"), json!([64, 64, 32]));
}

#[test]
fn patch_size_selection_quasi_2d_mode() {
    // The axis of the largest spacing is thin and no multiple of 32, wherever it is; the others are square and large.
    let shell = patients([96, 96, 24], [1.0, 1.0, 5.0]);
    assert_eq!(patch(&shell, "--memory-budget 3GiB"), json!([96, 96, 24]));
    assert_eq!(patch(&shell, "--memory-budget 512MiB"), json!([96, 96, 7]));
    assert_eq!(patch(&shell, "--memory-budget 256MiB"), json!([64, 64, 5]), "at least five slices");
    let shell = patients([24, 96, 96], [5.0, 1.0, 1.0]);
    assert_eq!(patch(&shell, "--memory-budget 512MiB"), json!([7, 96, 96]));
}

#[test]
fn patch_size_selection_constraints_by_architecture() {
    let shell = Shell::new();
    let describe = |words: &str| shell.mist(&format!("models describe {words}"));
    // Adaptive: the axis of thick slices takes any size, as the network halves the others only.
    for model in ["nnunet", "nnunet-pocket", "fmgnet", "wnet"] {
        describe(&format!("{model} --patch-size 64 64 5 --target-spacing 1 1 5")).exits(0);
        describe(&format!("{model} --patch-size 60 64 64")).exits(1).stderr_has("is not a multiple of 8");
    }
    // Fixed: all axes are halved four times, or five.
    for model in ["mednext-small", "mednext-base", "mednext-medium", "mednext-large"] {
        describe(&format!("{model} --patch-size 48 48 5 --target-spacing 1 1 5"))
            .exits(1)
            .stderr_has("is not a multiple of 16");
        describe(&format!("{model} --patch-size 48 48 32 --target-spacing 1 1 5")).exits(0);
    }
    for model in ["swinunetr-small", "swinunetr-base", "swinunetr-large"] {
        describe(&format!("{model} --patch-size 64 64 48")).exits(1).stderr_has("is not a multiple of 32");
        describe(&format!("{model} --patch-size 64 64 32")).exits(0);
    }
}

/// Each stage, its flag and what it writes, which does not depend on the number of workers.
#[test]
fn parallelism_of_patients() {
    let shell = data_set();
    let row = |id: &str| format!("{id},data/train/{id}/mask.nii.gz,data/train/{id}/mr.nii.gz\n");
    shell.write("cases.csv", &format!("id,mask,mr\n{}{}{}", row("015"), row("036"), row("057")));
    let pair = |id: &str| format!("{id},data/train/{id}/mask.nii.gz,data/train/{id}/mask.nii.gz\n");
    shell.write("pairs.csv", &format!("id,mask,prediction\n{}{}{}", pair("015"), pair("036"), pair("057")));
    std::fs::create_dir(shell.path("masks")).expect("a folder");
    for case in ["015", "036", "057"] {
        let mask = shell.path("data/train").join(case).join("mask.nii.gz");
        std::fs::copy(mask, shell.path("masks").join(format!("{case}.nii.gz"))).expect("a copy");
    }
    let strategy = r#"[{"transform": "remove_small_objects", "apply_to_labels": [1], "per_label": true,
        "kwargs": {"small_object_threshold": 64}}]"#;
    shell.write("strategy.json", strategy);
    let stages = [
        (
            "convert-csv --train-csv cases.csv --output converted --overwrite",
            "--num-workers-conversion",
            vec!["converted/raw/train/036/mr.nii.gz"],
        ),
        (
            "analyze --data data/dataset.json --nfolds 3 --verify --data-dump --overwrite",
            "--num-workers-analyze",
            vec![
                "results/config.json",
                "results/train_paths.csv",
                "results/verification.csv",
                "results/data_dump.json",
            ],
        ),
        (
            "preprocess --results results --compute-dtms --overwrite",
            "--num-workers-preprocess",
            vec!["numpy/images/036.npy", "numpy/labels/036.npy", "numpy/dtms/036.npy"],
        ),
        (
            "evaluate --config results/config.json --paths-csv pairs.csv --output-csv scores.csv",
            "--num-workers-evaluate",
            vec!["scores.csv"],
        ),
        (
            "postprocess --base-predictions masks --output tidy --postprocess-strategy strategy.json",
            "--num-workers-postprocess",
            vec!["tidy/predictions/036.nii.gz"],
        ),
        (
            "postprocess --base-predictions masks --output tidy --postprocess-strategy strategy.json --paths-csv \
             pairs.csv --eval-config results/config.json",
            "--num-workers-evaluate",
            vec!["tidy/predictions/036.nii.gz", "tidy/postprocess_results.csv"],
        ),
    ];
    for (line, flag, files) in stages {
        let by = |workers: &str| {
            let _ = std::fs::remove_dir_all(shell.path("tidy"));
            shell.mist(&format!("{line} {workers}")).exits(0);
            files.iter().map(|file| bytes(&shell.path(file))).collect::<Vec<_>>()
        };
        let alone = by("");
        assert!(by(&format!("{flag} 3")) == alone, "{line}");
        let command = line.split(' ').next().expect("a command");
        let help = shell.mist(&format!("{command} --help")).exits(0).stdout();
        let from = help.find(flag).unwrap_or_else(|| panic!("{command} has no {flag}"));
        let about = help[from..].split("\n      --").next().expect("a description");
        assert!(about.contains("[default: 1]"), "{command}: {about}");
    }
    for (command, flags) in [
        ("run-all", ["--num-workers-analyze", "--num-workers-preprocess", "--num-workers-evaluate"].as_slice()),
        ("train", &["--num-workers-evaluate"]),
        ("convert-msd", &["--num-workers-conversion"]),
    ] {
        let help = shell.mist(&format!("{command} --help")).exits(0).stdout();
        assert!(flags.iter().all(|flag| help.contains(flag)), "{command}: {help}");
    }
}

#[test]
fn parallelism_of_loading_in_training() {
    let shell = prepared();
    predict_quickly(&shell);
    let line = "train --model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 1 --warmup-epochs 0 --overwrite \
                --num-workers-evaluate 2";
    let weights = |workers: usize| {
        change(&shell, |config| config["training"]["hardware"]["num_cpu_workers"] = json!(workers));
        shell.mist(line).exits(0);
        assert_eq!(config(&shell)["training"]["hardware"]["num_cpu_workers"], workers);
        bytes(&shell.path("results/models/fold_0.pt"))
    };
    assert!(weights(1) == weights(16), "the batches do not depend on who loads them");
}
