//! Weight files: averaged, converted, looked into, and as the start of another run.

use crate::scans::{predict_quickly, prepared};
use crate::shell::Shell;

const TRAIN: &str = "train --model nnunet-pocket --patch-size 32 32 32 --epochs 1 --warmup-epochs 0";

/// A shell with two trained folds, without their predictions' flips.
fn trained() -> Shell {
    let shell = prepared();
    predict_quickly(&shell);
    shell.mist(&format!("{TRAIN} --folds 0 1")).exits(0);
    shell
}

fn bytes(shell: &Shell, name: &str) -> Vec<u8> {
    std::fs::read(shell.path(name)).expect("a file")
}

#[test]
fn averaged_and_converted_weights_start_another_run() {
    let shell = trained();
    let average = "average-weights --weights results/models/fold_0.pt results/models/fold_1.pt --output";
    shell.mist(&format!("{average} start.pt")).exits(0).stdout_has("Averaged 2 files");
    shell.mist(&format!("{average} start.pt")).exits(1).stderr_has("--overwrite");
    shell.mist(&format!("{average} start.bin")).exits(2).stderr_has(".safetensors");
    shell.mist(&format!("{average} start.safetensors")).exits(0);
    shell.mist("weights inspect start.pt").exits(0).stdout_has("unet.bottleneck.").stdout_has("network: nnunet-pocket");
    shell.mist("weights inspect start.safetensors --json").exits(0).stdout_has("\"not_finite\": 0");

    // There and back: the same bytes, as nothing but the tensors is in the files.
    shell.mist("weights convert results/models/fold_0.pt fold_0.safetensors").exits(0);
    std::fs::create_dir(shell.path("back")).expect("a folder");
    shell.mist("weights convert fold_0.safetensors back/fold_0.pt").exits(0);
    assert!(bytes(&shell, "results/models/fold_0.pt") == bytes(&shell, "back/fold_0.pt"));
    shell.mist("weights convert back/fold_0.pt back/fold_0.pt --overwrite").exits(2).stderr_has("the same");

    // Predictions do not depend on the format.
    let predict = "predict --config results/config.json --images data/train/015 --output";
    shell.mist(&format!("{predict} one --models-dir back")).exits(0);
    std::fs::create_dir(shell.path("safe")).expect("a folder");
    std::fs::copy(shell.path("fold_0.safetensors"), shell.path("safe/fold_0.safetensors")).expect("a copy");
    shell.mist(&format!("{predict} two --models-dir safe")).exits(0);
    let only = |folder: &str| -> Vec<u8> {
        let mut entries = std::fs::read_dir(shell.path(folder)).expect("predictions").flatten().map(|e| e.path());
        std::fs::read(entries.find(|path| path.to_string_lossy().ends_with(".nii.gz")).expect("one")).expect("bytes")
    };
    assert!(only("one") == only("two"));
    std::fs::copy(shell.path("back/fold_0.pt"), shell.path("safe/fold_0.pt")).expect("a copy");
    shell.mist(&format!("{predict} three --models-dir safe")).exits(1).stderr_has("two files");

    // The configuration of the run that trained them; the flags of training change the other one.
    std::fs::copy(shell.path("results/config.json"), shell.path("source.json")).expect("a copy");
    let again = format!("{TRAIN} --folds 0 --overwrite --pretrained-weights start.safetensors");
    shell.mist(&again).exits(2).stderr_has("--pretrained-config");
    let again = format!("{again} --pretrained-config source.json");
    let plain = bytes(&shell, "results/models/fold_0.pt");
    shell.mist(&format!("{again} --dry-run")).exits(0).stdout_has("Starts from");
    shell
        .mist(&again)
        .exits(0)
        .stdout_has("36 tensors loaded, 0 adapted, 0 skipped; ")
        .stdout_has("of the network beyond the encoder");
    assert!(plain != bytes(&shell, "results/models/fold_0.pt"));
    let table = String::from_utf8(bytes(&shell, "results/logs/pretrained.csv")).expect("text");
    assert!(table.starts_with("tensor,outcome,reason\nunet.input_block.conv1.conv.weight,loaded,\n"), "{table}");
    assert!(table.contains("unet.output_block.conv.conv.weight,unused,beyond the encoder\n"), "{table}");
    shell.mist(&format!("{again} --pretrained-scope all")).exits(0).stdout_has(" 0 skipped; 0 of the file not used");
    // A fold that continues has left them behind, and its table tells how it began.
    let table = bytes(&shell, "results/logs/pretrained.csv");
    let resumed =
        shell.mist(&format!("{} --epochs 2", again.replace("--overwrite", "--resume").replace("--epochs 1", "")));
    let resumed = resumed.exits(0).stderr_has("the pretrained weights are not used");
    assert!(!resumed.stdout().contains("Starts from"));
    assert!(table == bytes(&shell, "results/logs/pretrained.csv"));

    shell
        .mist("average-weights --weights start.pt results/../start.pt --output twice.pt")
        .exits(2)
        .stderr_has("given twice");
    let other = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/weights/module_prefix.pt");
    std::fs::copy(other, shell.path("other.pt")).expect("a copy");
    shell
        .mist("average-weights --weights start.pt other.pt --output mixed.pt")
        .exits(1)
        .stderr_has("different networks")
        .stderr_has("start.pt and ")
        .stderr_has("other.pt): ")
        .stderr_has("first file: nnunet-pocket; second: unknown architecture; they differ in ")
        .stderr_has("unet.input_block.conv1.conv.weight (only in the first)")
        .stderr_has(" more\n");

    // Other networks are refused before anything is replaced.
    let before = bytes(&shell, "results/models/fold_0.pt");
    shell
        .mist("average-weights --weights results/models/fold_0.pt start.safetensors --output start.safetensors --overwrite")
        .exits(2)
        .stderr_has("one of the files to average");
    let other = again.replace("nnunet-pocket", "fmgnet");
    shell.mist(&other).exits(1).stderr_has("model.architecture").stderr_has("fmgnet");
    let other = again.replace("--patch-size 32 32 32", "--patch-size 32 32 64");
    shell.mist(&other).exits(1).stderr_has("spatial_config.patch_size");
    assert!(before == bytes(&shell, "results/models/fold_0.pt"));
}

#[test]
fn converted_weights_keep_their_record() {
    let shell = prepared();
    predict_quickly(&shell);
    shell.mist(&format!("{TRAIN} --folds 0")).exits(0);
    let predict = "predict --config results/config.json --images data/train/015 --output";
    let run = |line: &str| {
        let said = shell.mist(line).exits(0).stderr();
        assert!(!said.contains("record"), "{said}");
    };

    // In its folder both files have one record, which suits whichever of them is removed.
    shell
        .mist("weights convert results/models/fold_0.pt results/models/fold_0.safetensors")
        .exits(0)
        .stdout_has("record");
    std::fs::rename(shell.path("results/models/fold_0.pt"), shell.path("fold_0.pt")).expect("moved");
    run(&format!("{predict} one --models-dir results/models"));
    std::fs::create_dir(shell.path("other")).expect("a folder");
    shell.mist("weights convert results/models/fold_0.safetensors other/fold_3.pth").exits(0);
    run(&format!("{predict} two --models-dir other"));
    std::fs::remove_file(shell.path("results/models/fold_0.safetensors")).expect("removed");
    std::fs::rename(shell.path("fold_0.pt"), shell.path("results/models/fold_0.pt")).expect("moved");
    run(&format!("{predict} three --models-dir results/models"));

    // The record replaces nothing that is none.
    let before = bytes(&shell, "results/config.json");
    let line = "weights convert results/models/fold_0.pt results/config.safetensors --overwrite";
    shell.mist(line).exits(1).stderr_has("config.json").stderr_has("no record");
    assert!(before == bytes(&shell, "results/config.json") && !shell.path("results/config.safetensors").exists());
    // Nor does a record of other weights go along.
    std::fs::copy(shell.path("results/models/fold_0.json"), shell.path("start.json")).expect("a copy");
    shell.mist("average-weights --weights results/models/fold_0.pt --output start.pt").exits(0);
    std::fs::create_dir(shell.path("last")).expect("a folder");
    shell.mist("weights convert start.pt last/start.safetensors").exits(0);
    assert!(!shell.path("last/start.json").exists());
}

#[test]
fn files_that_are_no_weights_are_refused_with_the_reason() {
    let shell = Shell::new();
    shell.write("text.pt", "not an archive");
    shell.write("text.safetensors", "{}");
    std::fs::create_dir(shell.path("folder.pt")).expect("a folder");
    for file in ["text.pt", "text.safetensors", "folder.pt", "nowhere.pt"] {
        for line in [
            format!("weights inspect {file}"),
            format!("weights convert {file} out.safetensors"),
            format!("average-weights --weights {file} --output out.pt"),
        ] {
            shell.mist(&line).exits(1).stderr_has("cannot read the weights").stderr_has(file);
        }
    }
    assert!(!shell.path("out.pt").exists() && !shell.path("out.safetensors").exists());

    for line in ["weights convert text.pt nowhere/out.pt", "average-weights --weights text.pt --output nowhere/out.pt"]
    {
        shell.mist(line).exits(1).stderr_has("its folder does not exist").stderr_has("hint: create the folder ");
    }

    // Of another format than its name tells.
    let weights = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/weights/pocket_hashed.pt");
    std::fs::copy(weights, shell.path("network.safetensors")).expect("a copy");
    shell
        .mist("weights inspect network.safetensors")
        .exits(1)
        .stderr_has("by its contents it is a PyTorch archive")
        .stderr_has("hint: rename it to network.pt");
}
