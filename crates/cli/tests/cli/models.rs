//! The architectures: listed, described, and refused where a patch cannot work.

use crate::scans::{evaluated, predict_quickly, prepared, set};
use crate::shell::Shell;

#[test]
fn architectures_are_listed_and_described() {
    let shell = Shell::new();
    let list = shell.mist("models").exits(0).stdout_has("mednext-small").stdout_has("patch: ").stdout();
    let longest = list.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{longest:?} columns");
    let json = shell.mist("models --json").exits(0).stdout();
    let names: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    for entry in names.as_array().expect("a list") {
        let name = entry["name"].as_str().expect("a name");
        assert!(list.contains(name), "{name}");
        // Larger than the memory of any machine that runs this: nothing is computed.
        let line = format!("models describe {name} --patch-size 1024 1024 1024 --in-channels 2");
        shell.mist(&line).exits(0).stdout_has("1024 × 1024 × 1024 × 3").stdout_has("kept for the gradients");
    }
    let spacing = "models describe nnunet --patch-size 64 64 8 --target-spacing 0.5 0.5 5";
    shell.mist(spacing).exits(0).stdout_has("conv 3×3×1");
    let json =
        shell.mist("models describe nnunet-pocket --patch-size 64 64 64 --out-channels 2 --json").exits(0).stdout();
    let described: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    // The reference's number.
    assert_eq!(described["parameters"], 620_166);
}

#[test]
fn patches_that_cannot_work_are_refused_with_those_that_do() {
    let shell = Shell::new();
    for (line, said) in [
        ("nnunet --patch-size 36 32 32", "multiples are 32 and 40"),
        ("nnunet --patch-size 16 16 16", "32 voxels or more"),
        ("wnet --patch-size 8 8 8", "16 voxels or more"),
        // No multiple is suggested that is too small as well.
        ("mednext-small --patch-size 8 8 8", "the smallest that works is [32, 16, 16]"),
        ("swinunetr-small --patch-size 20 32 32", "the smallest that works is [64, 32, 32]"),
        ("mednext-small --patch-size 8 32 32", "the smallest multiple is 16"),
        ("mednext-base --patch-size 40 32 32", "multiples are 32 and 48"),
        ("mednext-base --patch-size 16 16 16", "[32, 16, 16]"),
        ("mednext-base --patch-size 32 32 32 --kernel-size 4", "3, 5 or 7"),
        ("swinunetr-small --patch-size 64 64 48", "multiples are 32 and 64"),
        ("swinunetr-small --patch-size 32 32 32", "[64, 32, 32]"),
    ] {
        shell.mist(&format!("models describe {line}")).exits(1).stderr_has(said).stderr_has("hint: ");
    }
    shell.mist("models describe unet --patch-size 32 32 32").exits(2).stderr_has("wnet");
    shell.mist("models describe").exits(2).stderr_has("--patch-size");
}

#[test]
fn training_checks_the_patch_before_any_work() {
    let shell = prepared();
    let line = "train --folds 0 --epochs 1 --warmup-epochs 0 --model swinunetr-small --patch-size 32 32 32";
    shell.mist(line).exits(1).stderr_has("[64, 32, 32]");
    assert!(!shell.path("results/models").exists());
    set(&shell, r#""architecture": "nnunet""#, r#""architecture": "transformer""#);
    shell.mist("train").exits(1).stderr_has("model.architecture").stderr_has("mednext-base");
}

/// What another program has trained can be looked at here, though not used.
#[test]
fn runs_of_unknown_architectures_are_evaluated_and_reported() {
    let shell = evaluated();
    set(&shell, r#""architecture": "nnunet""#, r#""architecture": "transformer""#);
    shell.mist("finalize").exits(0);
    shell.mist("report --pictures 0").exits(0);
    let evaluate =
        "evaluate --config results/config.json --paths-csv results/evaluation_paths.csv --output-csv out.csv";
    shell.mist(evaluate).exits(0);
    let ensemble = "ensemble --config results/config.json --output joined --predictions";
    let folder = "results/predictions/train/raw";
    shell.mist(&format!("{ensemble} {folder} {folder}")).exits(0);
    std::fs::create_dir(shell.path("models")).expect("a folder");
    let predict = "predict --models-dir models --config results/config.json --images data/train --output out";
    shell.mist(predict).exits(1).stderr_has("model.architecture").stderr_has("swinunetr-large");
}

/// Every family trains a few steps; the numbers are those of the golden files.
#[test]
fn every_family_trains_predicts_and_is_evaluated() {
    for (model, patch) in
        [("fmgnet", "16 16 16"), ("wnet", "16 16 16"), ("mednext-small", "32 16 16"), ("swinunetr-small", "64 32 32")]
    {
        let shell = prepared();
        predict_quickly(&shell);
        let line = format!("train --folds 0 --epochs 1 --warmup-epochs 0 --model {model} --patch-size {patch}");
        shell.mist(&line).exits(0).stdout_has("epoch 1/1: loss");
        shell.mist("weights inspect results/models/fold_0.pt").exits(0).stdout_has(&format!("network: {model}\n"));
        let predict = "predict --models-dir results/models --config results/config.json --images data/train/015 \
                       --output out";
        shell.mist(predict).exits(0);
    }
}
