//! No space left: what was there stays, nothing half-written appears, and the message says where and what to do.

use crate::scans::{predict_quickly, prepared};
use crate::shell::Shell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const TRAIN: &str = "train --model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 1 --warmup-epochs 0";

/// All files below a folder with their bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), std::fs::read(&path).expect("a file"));
        }
    }
    files
}

fn overwriting(shell: &Shell, line: &str, blocks: usize, folder: &str, status: i32) -> String {
    let before = contents(&shell.path(folder));
    let ran = shell.mist_with_little_space(blocks, line).exits(status);
    let after = contents(&shell.path(folder));
    assert!(before == after, "{line} changed files: {:?}", after.keys());
    ran.stderr_has("File too large").stderr_has("hint: check the free space").stderr()
}

#[test]
fn every_command_that_writes_keeps_what_was_there() {
    let shell = prepared();
    predict_quickly(&shell);
    shell.mist(TRAIN).exits(0);
    let predict = "predict --models-dir results/models --config results/config.json --paths-csv paths.csv --output out";
    shell.write("paths.csv", "id,mr\nfirst,data/train/015/mr.nii.gz\nsecond,data/train/036/mr.nii.gz\n");
    shell.mist(predict).exits(0);
    let evaluate = "evaluate --config results/config.json --masks out --predictions out --output-csv scores/table.csv";
    shell.mist(evaluate).exits(0);

    let said = overwriting(&shell, predict, 0, "out", 1);
    assert!(said.contains("cannot write the prediction") && said.contains("out/first.nii.gz"), "{said}");
    let said = overwriting(&shell, evaluate, 0, "scores", 1);
    assert!(said.contains("scores/table.csv"), "{said}");
    let said = overwriting(&shell, "analyze --data data/dataset.json --overwrite", 0, "results", 1);
    assert!(said.contains("fg_bboxes.csv"), "{said}");

    // Small files fit; the weights do not. The record of finished weights goes when training goes on.
    std::fs::remove_file(shell.path("results/models/fold_0.json")).expect("a record");
    let more = TRAIN.replace("--epochs 1", "--epochs 2 --resume");
    let said = overwriting(&shell, &more, 200, "results/models", 1);
    assert!(said.contains("fold_0"), "{said}");
    let said = overwriting(&shell, &more, 200, "results/checkpoints", 1);
    assert!(said.contains("fold_0"), "{said}");
    shell.mist(&more).exits(0).stdout_has("continuing at epoch 2");
}

#[test]
fn arrays_that_do_not_fit_leave_the_earlier_ones() {
    let shell = prepared();
    let line = "preprocess --results results --overwrite";
    for kind in ["numpy/images", "numpy/labels"] {
        let said = overwriting(&shell, line, 8, kind, 1);
        assert!(said.contains("cannot write the array"), "{said}");
    }
    shell.mist(line).exits(0);
}
