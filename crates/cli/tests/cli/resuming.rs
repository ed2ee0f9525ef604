//! Training that is stopped or killed and continued. Six real scans, a few steps.

use crate::scans::{data_set, predict_quickly, prepare, prepared, set};
use crate::shell::Shell;
use crate::training::{TRAIN, weights};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

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
