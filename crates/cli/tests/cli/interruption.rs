//! Ctrl-C during the commands that work through cases: what is there is complete, and the hint tells the truth.
//!
//! A named pipe in the place of a scan holds the program up at a known point: it has begun one case and waits for its bytes.

use crate::scans::{predict_quickly, prepared, set};
use crate::shell::Shell;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn start(shell: &Shell, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mist"));
    command.args(line.split_whitespace()).current_dir(shell.path(""));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a program that starts")
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Reads lines until one contains `text`, and hands back what was read.
fn wait_for(lines: &mut impl BufRead, text: &str) -> String {
    let mut all = String::new();
    while !all.contains(text) {
        assert!(lines.read_line(&mut all).expect("text") > 0, "no `{text}` in\n{all}");
    }
    all
}

/// Puts a pipe in the place of a file, which it returns.
fn hold_up(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).expect("a file");
    std::fs::remove_file(file).expect("removed");
    assert!(Command::new("mkfifo").arg(file).status().expect("mkfifo").success());
    bytes
}

/// Runs the command until it reads `pipe`, interrupts it there, and returns what it said on stderr.
#[track_caller]
fn interrupt_at(shell: &Shell, pipe: &Path, line: &str) -> String {
    let mut child = start(shell, line);
    let (sender, receiver) = mpsc::channel();
    let pipe = pipe.to_owned();
    // Opening waits for the program to open the other end.
    std::thread::spawn(move || sender.send(OpenOptions::new().write(true).open(pipe)));
    let Ok(writer) = receiver.recv_timeout(PATIENCE) else {
        child.kill().expect("SIGKILL");
        panic!("{line}: never read the pipe; {:?}", child.wait_with_output());
    };
    interrupt(&child);
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut said = wait_for(&mut stderr, "stopping once the work in hand is complete");
    drop(writer);
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("an end").code(), Some(130), "{line}\n{said}");
    said
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Ids in the order in which `preprocess` goes over the cases.
fn training_order(shell: &Shell) -> Vec<String> {
    let table = std::fs::read_to_string(shell.path("results/train_paths.csv")).expect("a table");
    table.lines().skip(1).filter_map(|line| line.split(',').next()).map(str::to_owned).collect()
}

#[test]
fn preprocess_continues_with_the_arrays_that_are_missing() {
    let shell = prepared();
    let whole = std::fs::read(shell.path("numpy/images/015.npy")).expect("an array");
    std::fs::remove_dir_all(shell.path("numpy")).expect("removed");
    let ids = training_order(&shell);
    let mask = shell.path("data/train").join(&ids[1]).join("mask.nii.gz");
    let bytes = hold_up(&mask);
    let said = interrupt_at(&shell, &mask, "preprocess --results results");
    assert!(said.contains("hint: continue with the same command, and --resume"), "{said}");
    let first = format!("{}.npy", ids[0]);
    assert_eq!(files(&shell.path("numpy/images")), std::slice::from_ref(&first));
    assert_eq!(files(&shell.path("numpy/labels")), [first]);

    std::fs::remove_file(&mask).expect("removed");
    std::fs::write(&mask, bytes).expect("a mask");
    shell.mist("preprocess --results results").exits(1).stderr_has("--overwrite");
    shell.mist("preprocess --results results --resume --overwrite").exits(2).stderr_has("exclude each other");
    shell.mist("preprocess --results results --resume").exits(0).stdout_has("1 of 6 cases are up to date");
    assert!(whole == std::fs::read(shell.path("numpy/images/015.npy")).expect("an array"));

    // What has changed since is made anew, nothing else.
    let scan = shell.path("data/train/015/mr.nii.gz");
    std::fs::write(&scan, std::fs::read(&scan).expect("a scan")).expect("a scan");
    shell.mist("preprocess --results results --resume").exits(0).stdout_has("5 of 6 cases are up to date");
    // An array that is cut off is made anew.
    let array = std::fs::OpenOptions::new().write(true).open(shell.path("numpy/images/036.npy")).expect("an array");
    array.set_len(1000).expect("cut");
    shell.mist("preprocess --results results --resume").exits(0).stdout_has("5 of 6 cases are up to date");
    shell.mist("preprocess --results results --resume").exits(0).stdout_has("all arrays are up to date");
    // A run with distance maps that was stopped is not gone on with as one without.
    shell.mist("preprocess --results results --resume --compute-dtms").exits(0);
    set(&shell, r#""compute_dtms": true"#, r#""compute_dtms": false"#);
    shell.write("numpy/.unfinished", "");
    shell.mist("preprocess --results results --resume").exits(1).stderr_has("give --compute-dtms");
    shell.mist("preprocess --results results --resume --compute-dtms").exits(0).stdout_has("all arrays are up to date");
    shell.mist("preprocess --results results --resume --compute-dtms false").exits(0);
    shell.mist("preprocess --results results --resume --compute-dtms").exits(0).stdout_has("0 of 6 cases");
    crate::scans::change(&shell, |config| config["spatial_config"]["target_spacing"][0] = 1.5.into());
    let train = "train --model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 1 --warmup-epochs 0";
    shell.mist(train).exits(1).stderr_has("other settings").stderr_has("`mist preprocess --resume`");
    shell.mist("preprocess --results results --resume").exits(0).stdout_has("0 of 6 cases");
    shell.mist(&format!("{train} --dry-run")).exits(0);
}

#[test]
fn predict_finalize_and_evaluate_keep_complete_files_and_start_again() {
    let shell = prepared();
    predict_quickly(&shell);
    shell.mist("train --model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 1 --warmup-epochs 0").exits(0);
    let table =
        "id,mr\nfirst,data/train/015/mr.nii.gz\nsecond,data/train/036/mr.nii.gz\nthird,data/train/057/mr.nii.gz\n";
    shell.write("paths.csv", table);
    shell.write("results/test_paths.csv", table);
    // By then the first scan is on its way to the disk, and the networks work on the second.
    let scan = shell.path("data/train/057/mr.nii.gz");
    let bytes = hold_up(&scan);
    let predict = "predict --models-dir results/models --config results/config.json --paths-csv paths.csv --output out";
    let said = interrupt_at(&shell, &scan, predict);
    assert!(said.contains("hint: start the same command with --resume"), "{said}");
    assert_eq!(files(&shell.path("out")), ["first.nii.gz", "predict_report.json"]);

    let said = interrupt_at(&shell, &scan, "finalize");
    assert!(said.contains("hint: start `mist finalize` again"), "{said}");
    assert_eq!(files(&shell.path("results/predictions/test")), ["first.nii.gz", "predict_report.json"]);
    std::fs::remove_file(&scan).expect("removed");
    std::fs::write(&scan, bytes).expect("a scan");

    let mask = shell.path("data/train/036/mask.nii.gz");
    let bytes = hold_up(&mask);
    let pair = |id: &str| format!("{id},data/train/{id}/mask.nii.gz,data/train/{id}/mask.nii.gz\n");
    shell.write("pairs.csv", &format!("id,mask,prediction\n{}{}", pair("036"), pair("057")));
    let evaluate = "evaluate --config results/config.json --paths-csv pairs.csv --output-csv scores.csv";
    let said = interrupt_at(&shell, &mask, evaluate);
    assert!(said.contains("hint: start the same command again; nothing was written"), "{said}");
    assert!(!shell.path("scores.csv").exists());
    std::fs::remove_file(&mask).expect("removed");
    std::fs::write(&mask, bytes).expect("a mask");

    shell.mist(&format!("{predict} --resume")).exits(0).stdout_has("1 of 3 cases were done before");
    shell.mist("finalize").exits(0);
    shell.mist(evaluate).exits(0);
    assert_eq!(files(&shell.path("out")), ["first.nii.gz", "predict_report.json", "second.nii.gz", "third.nii.gz"]);
}

#[test]
fn train_continues_with_resume_and_not_with_overwrite() {
    let shell = prepared();
    predict_quickly(&shell);
    let train = "train --model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 1 --warmup-epochs 0";
    let mut child = start(&shell, &format!("{train} --overwrite"));
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    wait_for(&mut stdout, "Model nnunet-pocket");
    interrupt(&child);
    std::io::copy(&mut stdout, &mut std::io::sink()).expect("read to the end");
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("hint: continue with the same command, but --resume instead of --overwrite"), "{said}");
    shell.mist(&format!("{train} --resume")).exits(0).stdout_has("continuing at epoch 1, step");
}

#[test]
fn the_demo_starts_again_with_overwrite() {
    let shell = Shell::new();
    let mut child = start(&shell, "demo --synthetic");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    wait_for(&mut stdout, "$ mist train");
    interrupt(&child);
    // A program whose output nobody reads would wait at its next line.
    std::io::copy(&mut stdout, &mut std::io::sink()).expect("read to the end");
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("hint: start the demo again with --overwrite"), "{said}");
    shell.mist("demo --synthetic").exits(1).stderr_has("--overwrite");
}
