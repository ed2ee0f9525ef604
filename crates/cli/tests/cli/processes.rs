//! Training in several processes: killed and continued, and side by side in one results folder.

use crate::scans::{change, data_set, predict_quickly, prepared, set};
use crate::shell::Shell;
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TRAIN: &str = "train --model nnunet-pocket --patch-size 32 32 32";
/// Kills that the test of kills makes; more by `MIST_KILLS`.
const KILLS: usize = 4;
/// Longest that a run may take until what is waited for happens.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(shell: &Shell, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mist"));
    command.args(line.split_whitespace()).current_dir(shell.path("")).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a program that starts")
}

fn weights(shell: &Shell, fold: usize) -> Vec<u8> {
    std::fs::read(shell.path(&format!("results/models/fold_{fold}.pt"))).expect("weights")
}

/// Whether a file is being written in the folder, or was when its program was killed.
fn is_being_written(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(".mist-writing-"))
}

/// Kills the run in the middle of its `number`-th checkpoint, from 0; false if the checkpoint was complete by then.
fn kill_in_checkpoint(shell: &Shell, run: &mut Child, number: usize) -> bool {
    let folder = shell.path("results/checkpoints");
    let begin = Instant::now();
    let mut seen = 0;
    let mut writing = false;
    while begin.elapsed() < PATIENCE {
        let now = is_being_written(&folder);
        if now && !writing {
            if seen == number {
                break;
            }
            seen += 1;
        }
        writing = now;
        if run.try_wait().expect("a state").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    run.kill().expect("SIGKILL");
    run.wait().expect("an end");
    is_being_written(&folder)
}

/// A run is killed once, at any time or in the middle of a checkpoint, and continued; its weights have the bits of the
/// run that was left alone.
#[test]
fn no_kill_changes_a_bit() {
    let kills = std::env::var("MIST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let ready = || {
        let shell = prepared();
        predict_quickly(&shell);
        set(&shell, r#""epochs": "#, r#""checkpoint_minutes": 1e-6, "epochs": "#);
        shell
    };
    let line = format!("{TRAIN} --folds 0 --epochs 3 --warmup-epochs 1");
    let whole = ready();
    let begin = Instant::now();
    whole.mist(&line).exits(0);
    let (time, expected) = (begin.elapsed(), weights(&whole, 0));

    let mut in_checkpoints = 0;
    for kill in 0..kills {
        let shell = ready();
        let mut run = start(&shell, &line);
        if kill % 2 == 0 {
            // Spread over the run, as multiples of the golden ratio are over an interval.
            std::thread::sleep(time.mul_f64((kill as f64 * 0.618).fract()));
            run.kill().expect("SIGKILL");
            run.wait().expect("an end");
        } else {
            // Every step has a checkpoint: 5 per epoch.
            in_checkpoints += usize::from(kill_in_checkpoint(&shell, &mut run, kill * 4 % 13));
        }
        shell.mist(&format!("{line} --resume")).exits(0);
        assert!(weights(&shell, 0) == expected, "kill {kill} changed the weights");
    }
    // The last moment of a write can be missed, but not half of them.
    assert!(in_checkpoints >= kills / 4, "{in_checkpoints} of {kills} kills came inside a checkpoint");
}

/// Five folds at once in five processes, as on a cluster, are those of one process.
#[test]
fn folds_in_processes_of_their_own_share_a_results_folder() {
    let ready = || {
        let shell = data_set();
        shell.mist("analyze --data data/dataset.json --nfolds 5").exits(0);
        shell.mist("preprocess --results results").exits(0);
        predict_quickly(&shell);
        change(&shell, |config| config["training"]["min_steps_per_epoch"] = json!(3));
        shell
    };
    let flags = "--epochs 1 --warmup-epochs 0";
    let one = ready();
    one.mist(&format!("{TRAIN} {flags}")).exits(0);

    let shared = ready();
    let mut runs: Vec<Child> = (0..5).map(|fold| start(&shared, &format!("{TRAIN} {flags} --folds {fold}"))).collect();
    for run in &mut runs {
        assert!(run.wait().expect("an end").success());
    }
    shared.mist("finalize --results results").exits(0);
    for fold in 0..5 {
        assert!(weights(&one, fold) == weights(&shared, fold), "fold {fold}");
    }
    let table = |shell: &Shell| std::fs::read(shell.path("results/results.csv")).expect("a table");
    assert!(table(&one) == table(&shared), "the tables differ");
}
