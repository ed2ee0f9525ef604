//! Training as a user sees it: with impossible wishes, damaged files and little memory. Six real scans, a few steps.

use crate::scans::{data_set, predict_quickly, prepare, prepared, set};
use crate::shell::Shell;

pub const TRAIN: &str = "train --model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 3 --warmup-epochs 1";

pub fn weights(shell: &Shell) -> Vec<u8> {
    std::fs::read(shell.path("results/models/fold_0.pt")).expect("weights")
}

#[test]
fn impossible_wishes_are_refused_before_anything_is_written() {
    let shell = prepared();
    let config = || std::fs::read_to_string(shell.path("results/config.json")).expect("a config");
    let before = config();
    shell.mist("train --epochs 10").exits(1).stderr_has("training.warmup_epochs").stderr_has("--warmup-epochs 1");
    shell.mist(&TRAIN.replace("--folds 0", "--folds 3")).exits(2).stderr_has("there is no fold 3");
    shell.mist(&TRAIN.replace("32 32 32", "36 32 32")).exits(1).stderr_has("the nearest multiples are 32 and 40");
    shell
        .mist(&TRAIN.replace("32 32 32", "3200 3200 3200"))
        .exits(1)
        .stderr_has("more memory than")
        .stderr_has("--patch-size");
    shell.mist(&format!("{TRAIN} --resume --overwrite")).exits(2).stderr_has("--overwrite");
    shell.mist(&format!("{TRAIN} --numpy nowhere")).exits(1).stderr_has("nowhere").stderr_has("mist preprocess");
    shell.mist(&format!("{TRAIN} --results nowhere")).exits(1).stderr_has("nowhere").stderr_has("mist analyze");
    assert_eq!(config(), before);
    assert!(!shell.path("results/models").exists());
}

#[test]
fn a_loss_that_is_no_longer_finite_ends_the_fold_and_names_step_and_cases() {
    let shell = prepared();
    shell
        .mist(&format!("{TRAIN} --learning-rate 1e30"))
        .exits(1)
        .stderr_has("fold 0, epoch 1, step")
        .stderr_has("cases ")
        .stderr_has("--learning-rate");
}

#[test]
fn the_same_steps_twice_give_the_same_bits_and_write_nothing() {
    let shell = prepared();
    let before = std::fs::read_to_string(shell.path("results/config.json")).expect("a config");
    shell
        .mist(&format!("{TRAIN} --verify-determinism"))
        .exits(0)
        .stdout_has("fold 0: 20 steps twice gave the same bits");
    assert_eq!(std::fs::read_to_string(shell.path("results/config.json")).expect("a config"), before);
    assert!(!shell.path("results/models").exists() && !shell.path("results/logs").exists());
}

#[test]
fn a_dry_run_says_what_training_will_take_and_writes_nothing() {
    let shell = prepared();
    let before = std::fs::read_to_string(shell.path("results/config.json")).expect("a config");
    shell.mist(&format!("{TRAIN} --dry-run")).exits(0).stdout_has("s per step and").stdout_has("3 epochs of 1 fold");
    assert_eq!(std::fs::read_to_string(shell.path("results/config.json")).expect("a config"), before);
    assert!(!shell.path("results/models").exists() && !shell.path("results/logs").exists());
    let line = TRAIN.replace("32 32 32", "480 480 960");
    shell.mist(&line).exits(1).stderr_has("more memory than there is").stderr_has("--patch-size");
    assert!(!shell.path("results/models").exists());
}

#[test]
fn memory_that_the_user_gives_is_kept_to_and_not_stored_with_the_plan() {
    let shell = prepared();
    for size in ["12", "0G", "much"] {
        shell.mist(&format!("{TRAIN} --max-memory {size}")).exits(2).stderr_has("a unit, such as 800M, 12G");
    }
    shell
        .mist(&format!("{TRAIN} --max-memory 1M"))
        .exits(1)
        .stderr_has("needs more memory than --max-memory allows")
        .stderr_has("--max-memory allows 1 MB")
        .stderr_has("or a larger --max-memory");
    // What is refused for memory, by what the network keeps or by a step that is tried, leaves the configuration alone.
    let config = || std::fs::read_to_string(shell.path("results/config.json")).expect("a config");
    let before = config();
    for size in ["20M", "40M"] {
        let line = TRAIN.replace("--epochs 3", "--epochs 4");
        shell
            .mist(&format!("{line} --max-memory {size}"))
            .exits(1)
            .stderr_has("needs more memory than --max-memory allows");
        assert_eq!(config(), before);
    }
    let large = TRAIN.replace("32 32 32", "256 256 256").replace("nnunet-pocket", "swinunetr-large");
    shell.mist(&format!("{large} --max-memory 60G")).exits(1).stderr_has("it takes at least ").stderr_has("60.0 GB");
    assert_eq!(config(), before);
    shell.mist("preprocess --results results --max-memory 1M --numpy again").exits(0);
    assert!(!shell.path("results/models").exists());

    let line = format!("{TRAIN} --max-memory 3G --dry-run");
    shell.mist(&line).exits(0).stdout_has("more for all training cases; --max-memory allows 3.0 GB");
    predict_quickly(&shell);
    let line = TRAIN.replace("--epochs 3 --warmup-epochs 1", "--epochs 1 --warmup-epochs 0");
    let ran = shell.mist(&format!("{line} --max-memory 1000T")).exits(0);
    #[cfg(target_os = "linux")]
    let ran = ran.stderr_has("--max-memory allows 1000000.0 GB, which is more than is free");
    drop(ran);
    let record =
        std::fs::read_dir(shell.path("results/runs")).expect("records").next().expect("one").expect("an entry");
    let record = std::fs::read_to_string(record.path()).expect("a record");
    assert!(record.contains("\"allowed_bytes\": 1000000000000000.0"), "{record}");
    let config = std::fs::read_to_string(shell.path("results/config.json")).expect("a config");
    assert!(!config.contains("memory"), "{config}");

    shell
        .mist("predict --models-dir results/models --config results/config.json --images data/train --output out --max-memory 1M")
        .exits(1)
        .stderr_has("a network needs more memory than --max-memory allows");
}

#[test]
fn a_boundary_loss_asks_for_distance_maps_and_trains_on_them() {
    let shell = prepared();
    let line = format!("{TRAIN} --epochs 1 --warmup-epochs 0 --loss bl --composite-loss-weighting linear");
    let line = line.replacen(" --epochs 3 --warmup-epochs 1", "", 1);
    shell.mist(&line).exits(1).stderr_has("the loss bl needs distance maps").stderr_has("--compute-dtms");
    shell.mist("preprocess --results results --compute-dtms --overwrite").exits(0);
    shell.mist(&line).exits(0).stderr_has("the weight of the loss never moves");
    set(&shell, r#""name": "bl","#, r#""name": "bl", "params": {"tau_mm": 2},"#);
    let line = format!("{line} --overwrite");
    shell.mist(&line).exits(1).stderr_has("training.loss.params").stderr_has("unknown parameter `tau_mm`");
}

#[test]
fn a_loss_in_millimetres_warns_of_arrays_whose_spacing_is_not_known() {
    let shell = prepared();
    // What comes after the warning is not of interest, so there is no such fold.
    let line = TRAIN.replace("--folds 0", "--folds 7");
    let said = "the loss volumetric_sddl measures in mm, but preprocessing was skipped: it takes 1 x 1 x 1 mm";
    let warned = |line: &str| shell.mist(line).exits(2).stderr().contains(said);
    assert!(!warned(&format!("{line} --loss volumetric_sddl")));
    set(&shell, r#""skip": false"#, r#""skip": true"#);
    assert!(warned(&format!("{line} --loss volumetric_sddl")));
    assert!(!warned(&line));
}

/// Not after hours of preprocessing.
#[test]
fn run_all_asks_at_once_for_what_its_loss_needs() {
    let shell = data_set();
    let run_all = "run-all --data data/dataset.json --nfolds 3";
    let said = "the loss hdos needs distance maps";
    shell
        .mist(&format!("{run_all} --loss hdos"))
        .exits(2)
        .stderr_has(said)
        .stderr_has("hint: make them with --compute-dtms");
    shell.mist(&format!("{run_all} --resume --overwrite")).exits(2).stderr_has("exclude each other");
    assert!(!shell.path("results").exists());
    prepare(&shell, 0);
    shell.mist(&format!("{run_all} --resume --loss hdos")).exits(2).stderr_has(said);
    shell.mist(&format!("{run_all} --resume --loss hdos --compute-dtms false")).exits(2).stderr_has(said);
    set(&shell, r#""name": "dice_ce""#, r#""name": "hdos""#);
    shell.mist(&format!("{run_all} --resume")).exits(2).stderr_has(said);
}

/// The number of folds is in two places, and people edit only one of them.
#[test]
fn folds_of_the_table_and_of_the_configuration_must_agree() {
    let shell = prepared();
    let table = std::fs::read_to_string(shell.path("results/train_paths.csv")).expect("a table");
    set(&shell, r#""nfolds": 3"#, r#""nfolds": 2"#);
    shell.mist(TRAIN).exits(1).stderr_has("there are cases of fold 2, but training.nfolds is 2");
    set(&shell, r#""nfolds": 2"#, r#""nfolds": 5"#);
    shell
        .mist(TRAIN)
        .exits(1)
        .stderr_has("no case is of fold 3, 4, but training.nfolds is 5")
        .stderr_has("train_paths.csv");
    assert_eq!(std::fs::read_to_string(shell.path("results/train_paths.csv")).expect("a table"), table);
    assert!(!shell.path("results/models").exists());
}

/// What is wrong with a patch must not show after hours of preprocessing.
#[test]
fn run_all_judges_the_patch_size_before_it_preprocesses() {
    let shell = data_set();
    let line = "run-all --data data/dataset.json --nfolds 3 --model nnunet-pocket --patch-size 36 32 32";
    shell.mist(line).exits(1).stderr_has("the nearest multiples are 32 and 40");
    assert!(shell.path("results/config.json").exists() && !shell.path("numpy/images").exists());
}

/// A case that preprocessing had to leave out is left out of training too, and counted.
#[test]
fn a_case_without_arrays_is_counted_and_the_others_train() {
    let shell = prepared();
    for folder in ["images", "labels"] {
        std::fs::remove_file(shell.path("numpy").join(folder).join("036.npy")).expect("an array");
    }
    shell.mist(&TRAIN.replace("--epochs 3", "--epochs 2")).exits(3).stderr_has("036");
    assert!(shell.path("results/models/fold_0.pt").exists());
}

/// Why a case is missing is what preprocessing said of it; and no case is trained on before preprocessing is over.
#[test]
fn training_knows_how_preprocessing_ended() {
    let shell = data_set();
    shell.mist("analyze --data data/dataset.json --nfolds 3").exits(0);
    shell.write("data/train/036/mr.nii.gz", "no scan");
    shell.mist("preprocess --results results").exits(3);
    set(&shell, r#""min_steps_per_epoch": 250"#, r#""min_steps_per_epoch": 5"#);
    let line = TRAIN.replace("--epochs 3", "--epochs 2") + " --verify-determinism";
    shell.mist(&line).exits(3).stderr_has("1 case failed").stderr_has("036: failed while reading");
    shell.write("numpy/.unfinished", "");
    shell.mist(&line).exits(1).stderr_has("preprocessing was cut off").stderr_has("`mist preprocess --resume`");
}

#[test]
fn a_damaged_array_or_checkpoint_is_named() {
    let shell = prepared();
    let array = shell.path("numpy/images/036.npy");
    let bytes = std::fs::read(&array).expect("an array");
    std::fs::write(&array, &bytes[..bytes.len() / 2]).expect("a writable array");
    shell.mist(TRAIN).exits(1).stderr_has("036.npy");
    std::fs::write(&array, bytes).expect("a writable array");

    std::fs::create_dir_all(shell.path("results/checkpoints")).expect("a folder");
    shell.write("results/checkpoints/fold_0_checkpoint.pt", "not a checkpoint");
    set(&shell, r#""architecture": "nnunet""#, r#""architecture": "nnunet-pocket""#);
    shell.mist(&format!("{TRAIN} --resume")).exits(1).stderr_has("fold_0_checkpoint.pt").stderr_has("--overwrite");
}
