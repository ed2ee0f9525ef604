//! Training as a user sees it: stopped, killed, continued, and with impossible wishes. Six real scans, a few steps.

use crate::scans::{data_set, predict_quickly, prepare, prepared, set};
use crate::shell::Shell;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const TRAIN: &str = "train --model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 3 --warmup-epochs 1";

fn weights(shell: &Shell) -> Vec<u8> {
    std::fs::read(shell.path("results/models/fold_0.pt")).expect("weights")
}

/// Starts the command and lets it run for a while.
fn start(shell: &Shell, line: &str, time: Duration) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mist"));
    command.args(line.split_whitespace()).current_dir(shell.path("")).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("a program that starts");
    std::thread::sleep(time);
    child
}

/// The weights do not depend on how often the run was cut off, nor on the number of loader threads.
#[test]
fn a_run_killed_anywhere_and_resumed_gives_the_same_bits() {
    let whole = prepared();
    let log = whole.mist(TRAIN).exits(0).stdout_has("Fold 0, epoch 3/3: loss 0.").stdout();
    assert_eq!(log.matches("Fold 0, epoch").count(), 3, "a line per epoch\n{log}");
    for file in ["logs/fold_0", "logs/fold_0/training.svg", "predictions/train/raw", "checkpoints/fold_0_checkpoint.pt"]
    {
        assert!(whole.path("results").join(file).exists(), "{file}");
    }

    let killed = prepared();
    set(&killed, r#""num_cpu_workers": 8"#, r#""num_cpu_workers": 0"#);
    let mut line = TRAIN.to_owned();
    for milliseconds in [700, 1900, 3100] {
        let mut child = start(&killed, &line, Duration::from_millis(milliseconds));
        child.kill().expect("SIGKILL");
        child.wait().expect("an end");
        line = format!("{TRAIN} --resume");
    }
    killed.mist(&line).exits(0);
    assert!(weights(&whole) == weights(&killed), "the weights differ");
    let history = |shell: &Shell| -> Vec<String> {
        let text = std::fs::read_to_string(shell.path("results/logs/fold_0/history.csv")).expect("a history");
        // Without the speed, which is never the same.
        text.lines().map(|line| line.split(',').take(5).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(history(&whole).len(), 4, "a header and three epochs");
    assert_eq!(history(&whole), history(&killed));

    let records: Vec<_> = std::fs::read_dir(killed.path("results/runs")).expect("records").collect();
    let record = std::fs::read_to_string(records[0].as_ref().expect("an entry").path()).expect("a record");
    for word in ["\"command_line\"", "nnunet-pocket", "\"vector_instructions\"", "\"train_paths.csv\"", "\"036\""] {
        assert!(record.contains(word), "{word} in {record}");
    }

    // A finished run can be continued, and only knowingly be replaced.
    killed.mist(&line).exits(0).stdout_has("already complete");
    killed.mist(TRAIN).exits(1).stderr_has("fold_0.pt").stderr_has("--resume");

    // A damaged checkpoint costs the epoch since the one before, and not a bit of the result.
    killed.write("results/checkpoints/fold_0_checkpoint.pt", "damaged");
    killed.mist(&line).exits(0).stderr_has("going on from the one before").stdout_has("continuing at epoch 3");
    let checkpoint =
        |shell: &Shell| std::fs::read(shell.path("results/checkpoints/fold_0_checkpoint.pt")).expect("a checkpoint");
    assert!(checkpoint(&whole) == checkpoint(&killed), "the checkpoints differ");
}

/// A run with these further keys under `training`, once as a whole, and once killed twice on the way.
fn killed_and_whole(keys: &str) -> (Shell, Shell) {
    let with_keys = || {
        let shell = prepared();
        set(&shell, r#""epochs": "#, &format!(r#"{keys}, "checkpoint_minutes": 1e-6, "epochs": "#));
        shell
    };
    let whole = with_keys();
    whole.mist(TRAIN).exits(0);
    let killed = with_keys();
    let mut line = TRAIN.to_owned();
    for milliseconds in [1300, 2300] {
        let mut child = start(&killed, &line, Duration::from_millis(milliseconds));
        child.kill().expect("SIGKILL");
        child.wait().expect("an end");
        line = format!("{TRAIN} --resume");
    }
    killed.mist(&line).exits(0);
    (killed, whole)
}

/// Steps of two batches, and checkpoints wherever there can be one.
#[test]
fn a_run_that_accumulates_gradients_is_resumed_to_the_bit() {
    let (killed, whole) = killed_and_whole(r#""accumulation_steps": 2"#);
    assert!(weights(&whole) == weights(&killed), "the weights differ");

    set(&whole, r#""accumulation_steps": 2"#, r#""accumulation_steps": 0"#);
    let line = format!("{TRAIN} --resume");
    whole.mist(&line).exits(1).stderr_has("`training.accumulation_steps` is 0").stderr_has("1 or more");
}

#[test]
fn a_run_that_averages_its_weights_is_resumed_to_the_bit() {
    let (killed, whole) = killed_and_whole(r#""ema_decay": 0.9"#);
    assert!(weights(&whole) == weights(&killed), "the weights differ");
    let plain = prepared();
    plain.mist(TRAIN).exits(0);
    assert!(weights(&plain) != weights(&whole), "the average is what is kept");

    set(&whole, r#""ema_decay": 0.9"#, r#""ema_decay": 1.0"#);
    let line = format!("{TRAIN} --resume");
    whole.mist(&line).exits(1).stderr_has("`training.ema_decay` is 1").stderr_has("below 1");
}

#[test]
fn a_fold_that_stopped_early_is_complete() {
    let shell = prepared();
    set(&shell, r#""epochs": "#, r#""early_stopping_patience": 1, "epochs": "#);
    // Nothing gets better at such a learning rate.
    let line = TRAIN.replace("--epochs 3", "--epochs 40 --learning-rate 1e-30");
    shell.mist(&line).exits(0).stdout_has("stopping after epoch 2: no new best validation loss for 1 epoch");
    shell.mist(&format!("{line} --resume")).exits(0).stdout_has("Fold 0 is already complete");
    let finalized = shell.mist("finalize --results results").exits(0);
    assert!(!finalized.stderr().contains("goes on with it"), "{}", finalized.stderr());

    set(&shell, r#""early_stopping_patience": 1"#, r#""early_stopping_patience": 0"#);
    shell.mist(&format!("{line} --resume")).exits(1).stderr_has("`training.early_stopping_patience` is 0");
}

#[cfg(unix)]
#[test]
fn a_stop_signal_saves_the_step_and_resuming_gives_the_same_bits() {
    let whole = prepared();
    whole.mist(TRAIN).exits(0);

    let stopped = prepared();
    let mut child = start(&stopped, TRAIN, Duration::from_millis(1500));
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let status = child.wait().expect("an end");
    // On a very fast machine the run may have been over before the signal came.
    assert!([Some(130), Some(0)].contains(&status.code()), "{status}");
    stopped.mist(&format!("{TRAIN} --resume")).exits(0);
    assert!(weights(&whole) == weights(&stopped), "the weights differ");
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

#[test]
fn resuming_another_run_is_refused_and_changes_nothing() {
    let shell = prepared();
    shell.mist(&TRAIN.replace("--epochs 3 --warmup-epochs 1", "--epochs 1 --warmup-epochs 0")).exits(0);
    let config = || std::fs::read_to_string(shell.path("results/config.json")).expect("a config");
    let before = config();
    for flags in ["--optimizer sgd", "--model nnunet", "--patch-size 32 32 40"] {
        shell
            .mist(&format!("train --folds 0 --resume --epochs 2 {flags}"))
            .exits(1)
            .stderr_has("cannot change its network or optimizer");
    }
    shell
        .mist("train --folds 0 --resume --learning-rate 0.1")
        .exits(1)
        .stderr_has("nothing is left to train")
        .stderr_has("training.learning_rate: 0.001 → 0.1");
    assert_eq!(config(), before);
    let (old, line) = (weights(&shell), "train --folds 0 --overwrite --learning-rate 0.002");
    shell.mist(line).exits(0);
    assert!(old != weights(&shell), "replaced on request");
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

/// What kept a scan from being read may have passed. Where it has not, the case is listed again.
#[test]
fn a_resumed_run_tries_the_cases_again_that_preprocessing_left_out() {
    let shell = data_set();
    shell.mist("analyze --data data/dataset.json --nfolds 3").exits(0);
    let scan = |id: &str| shell.path("data/train").join(id).join("mr.nii.gz");
    let whole = std::fs::read(scan("036")).expect("a scan");
    for id in ["036", "057"] {
        std::fs::write(scan(id), "no scan").expect("a writable scan");
    }
    shell.mist("preprocess --results results").exits(3).stderr_has("2 cases failed");
    set(&shell, r#""min_steps_per_epoch": 250"#, r#""min_steps_per_epoch": 5"#);
    predict_quickly(&shell);
    std::fs::write(scan("036"), whole).expect("a writable scan");
    let array = shell.path("numpy/images/015.npy");
    let modified = || std::fs::metadata(&array).and_then(|found| found.modified()).expect("an array");
    let before = modified();
    let line = format!("run-all --data data/dataset.json --resume {}", TRAIN.trim_start_matches("train"));
    let said = shell
        .mist(&line.replace("--epochs 3 --warmup-epochs 1", "--epochs 1 --warmup-epochs 0"))
        .exits(3)
        .stdout_has("Trying 2 cases again")
        .stderr_has("1 case failed:\n  057: failed while reading")
        .stderr();
    assert!(!said.contains("036: failed"), "{said}");
    assert!(shell.path("numpy/labels/036.npy").exists());
    assert_eq!(modified(), before, "arrays that are there are kept");
}

/// The stages that a resumed run keeps had left cases out; that is still so.
#[test]
fn a_resumed_run_lists_the_cases_again_that_kept_stages_left_out() {
    let shell = data_set();
    shell.write("data/train/057/mr.nii.gz", "no scan");
    prepare(&shell, 3);
    predict_quickly(&shell);
    set(&shell, r#""nfolds": 3"#, r#""nfolds": 3, "nfold": 4"#);
    let line = format!("run-all --data data/dataset.json --resume {}", TRAIN.trim_start_matches("train"));
    let line = line.replace("--epochs 3 --warmup-epochs 1", "--epochs 1 --warmup-epochs 0");
    for _ in 0..2 {
        let said = shell
            .mist(&line)
            .exits(3)
            .stdout_has("the analysis is kept")
            .stdout_has("the preprocessed arrays are kept")
            .stderr_has("1 case failed")
            .stderr_has("057: failed while")
            .stderr();
        assert_eq!(
            said.matches("`training.nfold` is not a known key").count(),
            1,
            "once per run, not per stage\n{said}"
        );
    }
}
