//! Networks whose outputs are not one class per label: overlapping regions, an ignored label, weighted classes.

use crate::scans::{change, predict_quickly, prepared};
use crate::shell::Shell;
use mist_volume::nifti;
use serde_json::json;
use std::collections::BTreeSet;

const TRAIN: &str =
    "train --model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 2 --warmup-epochs 0 --learning-rate 0.003";

/// Values of the held-out predictions, rounded.
fn predicted(shell: &Shell) -> BTreeSet<i64> {
    let mut labels = BTreeSet::new();
    for entry in std::fs::read_dir(shell.path("results/predictions/train/raw")).expect("predictions") {
        let image = nifti::read(&entry.expect("an entry").path()).expect("a prediction");
        labels.extend(image.voxels().iter().map(|label| label.round() as i64));
    }
    labels
}

fn history(shell: &Shell) -> String {
    std::fs::read_to_string(shell.path("results/logs/fold_0/history.csv")).expect("a history")
}

#[test]
fn a_network_learns_regions_that_overlap() {
    let shell = prepared();
    predict_quickly(&shell);
    change(&shell, |config| {
        config["training"]["min_steps_per_epoch"] = json!(40);
        config["training"]["regions"] = json!({"hippocampus": [1, 2], "posterior": [2]});
    });
    shell.mist(TRAIN).exits(1).stderr_has("`model.params.out_channels` is 3").stderr_has("2, the number of");
    change(&shell, |config| config["model"]["params"]["out_channels"] = json!(2));
    shell.mist(TRAIN).exits(0);
    let history = history(&shell);
    assert!(history.starts_with("epoch,") && history.contains(",dice_hippocampus,dice_posterior\n"), "{history}");
    // After a few steps the whole is found, if not yet its parts.
    let last = history.lines().last().expect("an epoch");
    let dice: f64 = last.split(',').rev().nth(1).expect("a column").parse().expect("the Dice of the whole");
    assert!(dice > 0.3, "{history}");
    assert!(predicted(&shell).is_subset(&BTreeSet::from([0, 1, 2])) && predicted(&shell).len() > 1);

    std::fs::create_dir(shell.path("scans")).expect("a folder");
    std::fs::copy(shell.path("data/train/015/mr.nii.gz"), shell.path("scans/015.nii.gz")).expect("a scan");
    let line = "predict --models-dir results/models --config results/config.json --images scans --output out \
                --output-probs";
    shell.mist(line).exits(0);
    assert!(shell.path("out/discrete/015.nii.gz").is_file() && shell.path("out/probabilities/015.nii.gz").is_file());

    let line = format!("{TRAIN} --overwrite --loss bl");
    shell.mist(&line).exits(1).stderr_has("the loss bl does not go with regions");
}

#[test]
fn voxels_with_the_ignored_label_have_no_part_in_training() {
    let shell = prepared();
    predict_quickly(&shell);
    change(&shell, |config| {
        config["training"]["ignore_label"] = json!(2);
        config["model"]["params"]["out_channels"] = json!(2);
    });
    shell.mist(TRAIN).exits(1).stderr_has("`evaluation.class_2.labels[0]` is 2");
    change(&shell, |config| drop(config["evaluation"].as_object_mut().expect("classes").remove("class_2")));
    shell.mist(TRAIN).exits(0);
    let history = history(&shell);
    assert!(history.lines().next().expect("a header").ends_with(",waiting_for_data,dice_label_1"), "{history}");
    assert!(predicted(&shell).is_subset(&BTreeSet::from([0, 1])));
}

#[test]
fn weights_of_classes_change_what_is_learnt() {
    let trained = |weights: Option<[f64; 3]>| {
        let shell = prepared();
        predict_quickly(&shell);
        if let Some(weights) = weights {
            change(&shell, |config| config["training"]["class_weights"] = json!(weights));
        }
        shell.mist(&format!("{TRAIN} --epochs 1")).exits(0);
        std::fs::read(shell.path("results/models/fold_0.pt")).expect("weights")
    };
    let plain = trained(None);
    assert!(plain == trained(Some([1.0; 3])), "weights of 1 change nothing");
    assert!(plain != trained(Some([1.0, 1.0, 5.0])), "another weight does");
}
