//! The loss is offered by every command, asks for what it needs, and can be trained with.

#[path = "../../scans.rs"]
mod scans;

use scans::{data_set, shorten};
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in a folder, and returns its exit status and what it said.
fn run(folder: &Path, line: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_custom-loss"));
    let Output { status, stdout, stderr } =
        command.args(line.split_whitespace()).current_dir(folder).output().expect("a program that starts");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn the_loss_asks_for_distance_maps_and_trains_with_a_schedule() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    data_set(folder);
    assert_eq!(run(folder, "analyze --data dataset.json --nfolds 2").0, Some(0));
    assert_eq!(run(folder, "preprocess --results results").0, Some(0));
    shorten(folder);
    let train = "train --model nnunet-pocket --patch-size 32 32 32 --loss dice-distance --folds 0 --epochs 2 \
                 --warmup-epochs 0 --composite-loss-weighting linear";
    let (status, said) = run(folder, train);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("distance maps"), "{said}");
    assert_eq!(run(folder, "preprocess --results results --compute-dtms --overwrite").0, Some(0));
    let (status, said) = run(folder, train);
    assert_eq!(status, Some(0), "{said}");
    assert!(folder.join("results/models/fold_0.pt").is_file());
}
