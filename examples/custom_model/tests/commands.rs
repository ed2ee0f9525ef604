//! The architecture is offered by every command, and trains, predicts and evaluates on real scans.

#[path = "../../scans.rs"]
mod scans;

use scans::{CASES, data_set, shorten};
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in a folder; it must exit with 0.
fn run(folder: &Path, line: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_custom-model"));
    let Output { status, stdout, stderr } =
        command.args(line.split_whitespace()).current_dir(folder).output().expect("a program that starts");
    assert!(status.success(), "{line}\n{}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).into_owned()
}

#[test]
fn the_architecture_goes_through_the_whole_pipeline() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    assert!(run(folder, "train --help").contains("one-conv"));
    assert!(run(folder, "models").contains("one-conv"));
    assert!(run(folder, "models describe one-conv --patch-size 17 9 5").contains("conv 3³, 1 → 3"));

    data_set(folder);
    run(folder, "analyze --data dataset.json --nfolds 2");
    run(folder, "preprocess --results results");
    shorten(folder);
    run(folder, "train --model one-conv --patch-size 32 32 32 --epochs 1 --warmup-epochs 0");
    let results = std::fs::read_to_string(folder.join("results/results.csv")).expect("results");
    assert!(CASES.iter().all(|case| results.contains(case)), "{results}");
    let tensors = run(folder, "weights inspect results/models/fold_0.pt");
    assert!(tensors.contains("conv.weight") && tensors.contains("conv.bias"), "{tensors}");
}
