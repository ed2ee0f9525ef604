//! The grammar of the command line, and what a wrong one gets: exit status 2, the flag, the value and the usage.

use crate::shell::Shell;

/// A command with all that it needs, a flag, and words that are no value for it.
const WRONG_VALUES: &[(&str, &str, &[&str])] = &[
    ("convert-msd --source a --output b", "--num-workers-conversion", &["0", "-1", "1.0", "many"]),
    ("convert-msd --source a --output b", "--overwrite", &["maybe", "2", "on"]),
    ("convert-msd --source a --output b", "--link", &["soft", "Hard"]),
    ("convert-csv --train-csv a --output b", "--num-workers-conversion", &["0", "many"]),
    ("convert-csv --train-csv a --output b", "--overwrite", &["maybe"]),
    ("convert-csv --train-csv a --output b", "--link", &["symbolic", "yes"]),
    ("analyze --data a", "--nfolds", &["0", "1", "-3", "2.0", "five"]),
    ("analyze --data a", "--memory-budget", &["0G", "16", "1K", "much"]),
    ("analyze --data a", "--batch-size-per-gpu", &["0", "-1", "2.5"]),
    ("analyze --data a", "--num-workers-analyze", &["0", "-1", "1.5", "x"]),
    ("analyze --data a", "--overwrite", &["maybe"]),
    ("preprocess --results a", "--num-workers-preprocess", &["0", "-2", "x"]),
    ("preprocess --results a", "--no-preprocess", &["maybe"]),
    ("preprocess --results a", "--compute-dtms", &["maybe"]),
    ("preprocess --results a", "--overwrite", &["maybe"]),
    ("train", "--model", &["unet", "NNUNET", "nnunet-"]),
    ("train", "--loss", &["dice-ce", "DICE"]),
    ("train", "--composite-loss-weighting", &["quadratic", "Linear"]),
    ("train", "--epochs", &["-1", "0", "1.0", "ten"]),
    ("train", "--batch-size-per-gpu", &["0", "-1", "2.5"]),
    ("train", "--learning-rate", &["0", "-0.1", "nan", "inf", "1e999", "fast"]),
    ("train", "--lr-scheduler", &["step", "Cosine"]),
    ("train", "--warmup-epochs", &["-1", "0.5"]),
    ("train", "--optimizer", &["lion", "Adam"]),
    ("train", "--l2-penalty", &["-1", "nan", "inf"]),
    ("train", "--folds", &["-1", "a", "0.5"]),
    ("train", "--val-percent", &["1", "1.5", "-0.1", "nan", "half"]),
    ("train", "--num-workers-evaluate", &["0", "x"]),
    ("train", "--input-channel-strategy", &["mean"]),
    ("train", "--overwrite", &["maybe"]),
    ("run-all --data a", "--model", &["unet"]),
    ("run-all --data a", "--nfolds", &["1"]),
    ("run-all --data a", "--val-percent", &["2"]),
    ("finalize", "--num-workers-evaluate", &["0"]),
    ("finalize", "--device", &["gpu", "-1", "cuda:0"]),
    ("predict --models-dir a --config b --paths-csv c --output d", "--device", &["tpu", "1.0"]),
    ("predict --models-dir a --config b --paths-csv c --output d", "--shard", &["0/8", "9/8", "2", "a/b"]),
    ("predict --models-dir a --config b --paths-csv c --output d", "--probabilities", &["raw"]),
    ("predict --models-dir a --config b --paths-csv c --output d", "--sw-batch-size", &["0", "1.5"]),
    ("ensemble --predictions a b --output c", "--input-type", &["images"]),
    ("ensemble --predictions a b --output c", "--ensemble-backend", &["vote"]),
    ("ensemble --predictions a b --output c", "--num-workers-ensemble", &["0", "x"]),
    ("postprocess --base-predictions a --output b --postprocess-strategy c", "--num-workers-postprocess", &["0", "x"]),
    ("postprocess --base-predictions a --output b --postprocess-strategy c", "--num-workers-evaluate", &["0", "x"]),
    ("evaluate --config a --paths-csv b --output-csv c", "--num-workers-evaluate", &["0", "two"]),
    ("bench --patch-size 32 32 32", "--model", &["unet", "NNUNET"]),
    ("bench --model nnunet --patch-size 32 32 32", "--pass", &["backward", "Train"]),
    ("bench --model nnunet --patch-size 32 32 32", "--batch-size", &["0", "-1", "1.5"]),
    ("bench --model nnunet --patch-size 32 32 32", "--in-channels", &["0", "x"]),
    ("bench --model nnunet --patch-size 32 32 32", "--out-channels", &["0", "1", "257"]),
    ("bench --model nnunet --patch-size 32 32 32", "--threads", &["0", "two"]),
    ("bench --model nnunet --patch-size 32 32 32", "--seconds", &["-1", "nan", "inf"]),
    ("models describe nnunet --patch-size 32 32 32", "--in-channels", &["0", "x"]),
    ("models describe nnunet --patch-size 32 32 32", "--out-channels", &["0", "1", "257"]),
    ("models describe nnunet --patch-size 32 32 32", "--kernel-size", &["0", "x"]),
    ("models describe nnunet --patch-size 32 32 32", "--batch-size", &["0", "-1", "1.5"]),
    ("train --pretrained-weights a --pretrained-config b", "--input-channel-strategy", &["mean", "Average"]),
    ("train --pretrained-weights a --pretrained-config b", "--pretrained-scope", &["decoder", "ALL"]),
];

/// The flags that take a file or folder, with what else the command needs.
const PATHS: &[(&str, &[&str])] = &[
    ("convert-msd", &["--source", "--output"]),
    ("convert-csv", &["--train-csv", "--test-csv", "--output"]),
    ("analyze", &["--data", "--results"]),
    ("preprocess", &["--results", "--numpy"]),
    ("train", &["--results", "--numpy"]),
    ("train --pretrained-config a", &["--pretrained-weights"]),
    ("train --pretrained-weights a", &["--pretrained-config"]),
    ("run-all", &["--data", "--results", "--numpy"]),
    ("finalize", &["--results"]),
    ("predict", &["--models-dir", "--config", "--paths-csv", "--images", "--output", "--postprocess-strategy"]),
    ("ensemble", &["--predictions", "--output", "--config"]),
    ("postprocess", &["--base-predictions", "--output", "--postprocess-strategy", "--paths-csv", "--eval-config"]),
    ("evaluate", &["--config", "--paths-csv", "--masks", "--predictions", "--output-csv"]),
    ("average-weights", &["--weights", "--output"]),
    ("demo", &["--output"]),
    (
        "rank",
        &["--results", "--output-csv", "--output-detailed-csv", "--significance-csv", "--metric-direction-overrides"],
    ),
];

#[test]
fn a_wrong_value_is_refused_with_flag_value_and_usage() {
    let shell = Shell::new();
    for (command, flag, values) in WRONG_VALUES {
        for value in *values {
            shell
                .mist(&format!("{command} {flag} {value}"))
                .exits(2)
                .stderr_has(flag)
                .stderr_has(&format!("'{value}'"))
                .stderr_has("Usage: mist");
        }
    }
}

#[test]
fn a_path_cannot_be_empty_or_missing() {
    let shell = Shell::new();
    for (command, flags) in PATHS {
        for flag in *flags {
            shell.mist(&format!("{command} {flag} ''")).exits(2).stderr_has(flag);
            shell.mist(&format!("{command} {flag}")).exits(2).stderr_has(flag).stderr_has("Usage: mist");
        }
    }
}

#[test]
fn the_patch_size_has_three_numbers() {
    let shell = Shell::new();
    for wrong in ["32", "32 32", "32 32 32 32", "32 0 32", "32 32 -8", "32 32 1.5", "a b c"] {
        shell.mist(&format!("train --patch-size {wrong}")).exits(2).stderr_has("Usage: mist train");
        let line = format!("bench --model nnunet --patch-size {wrong}");
        shell.mist(&line).exits(2).stderr_has("Usage: mist bench");
    }
}

#[test]
fn choices_are_listed_and_come_from_the_registry() {
    let shell = Shell::new();
    shell.mist("train --model x").exits(2).stderr_has("nnunet, nnunet-pocket");
    shell.mist("run-all --data a --loss x").exits(2).stderr_has("dice, dice_ce");
}

#[test]
fn required_flags_are_required() {
    let shell = Shell::new();
    for (line, missing) in [
        ("convert-msd --source a", "--output"),
        ("convert-msd --output a", "--source"),
        ("convert-csv --train-csv a", "--output"),
        ("convert-csv --output a", "--train-csv"),
        ("analyze", "--data"),
        ("preprocess", "--results"),
        ("run-all", "--data"),
        ("predict --config b --paths-csv c --output d", "--models-dir"),
        ("predict --models-dir a --paths-csv c --output d", "--config"),
        ("predict --models-dir a --config b --output d", "--paths-csv"),
        ("predict --models-dir a --config b --paths-csv c", "--output"),
        ("evaluate --paths-csv a --output-csv b", "--config"),
        ("evaluate --config a --output-csv b", "--paths-csv"),
        ("evaluate --config a --output-csv b --masks c", "--predictions"),
        ("evaluate --config a --output-csv b --predictions c", "--masks"),
        ("evaluate --config a --paths-csv b", "--output-csv"),
        ("bench --patch-size 32 32 32", "--model"),
        ("bench --model nnunet", "--patch-size"),
    ] {
        shell.mist(line).exits(2).stderr_has(missing).stderr_has("Usage: mist");
    }
}

#[test]
fn one_source_of_cases_only() {
    let shell = Shell::new();
    shell.mist("predict --models-dir a --config b --paths-csv c --images d --output e").exits(2).stderr_has("--images");
    shell.mist("evaluate --config a --paths-csv b --masks c --predictions d --output-csv e").exits(2);
}

#[test]
fn unknown_words_are_refused() {
    let shell = Shell::new();
    shell.mist("trian").exits(2).stderr_has("trian").stderr_has("train");
    shell.mist("train --epoch-count 3").exits(2).stderr_has("--epoch-count");
    shell.mist("train results").exits(2).stderr_has("results");
    shell.mist("analyze --data a --verify=yes").exits(2).stderr_has("--verify");
    shell.mist("train -e 3").exits(2).stderr_has("-e");
    shell.mist("").exits(2).stderr_has("Usage: mist <COMMAND>");
}

#[test]
fn an_unambiguous_beginning_of_a_flag_is_enough() {
    let shell = Shell::new();
    shell.mist("preprocess --resul nowhere").exits(1).stderr_has("nowhere");
    shell.mist("train --lea nan").exits(2).stderr_has("--learning-rate");
    // --num-workers-analyze, --num-workers-preprocess and --num-workers-evaluate begin like this.
    shell.mist("run-all --data a --num-workers 2").exits(2).stderr_has("--num-workers");
}

#[test]
fn the_last_of_a_repeated_flag_wins() {
    let shell = Shell::new();
    let ran = shell.mist("analyze --data first.json --data=second.json").exits(1).stderr_has("second.json");
    assert!(!ran.stderr().contains("first.json"));
}

#[test]
fn a_boolean_may_stand_alone_and_has_many_spellings() {
    let shell = Shell::new();
    for spelling in ["", " yes", " TRUE", "=t", " Y", "=1", " no", " False", " f", "=N", " 0"] {
        // Wrong only in that the file does not exist.
        shell.mist(&format!("analyze --overwrite{spelling} --data nowhere.json")).exits(1).stderr_has("nowhere.json");
    }
}

#[test]
fn a_missing_file_is_a_failure_with_place_and_reason() {
    let shell = Shell::new();
    shell.mist("analyze --data nowhere.json").exits(1).stderr_has("error: ").stderr_has("nowhere.json");
    shell.mist("preprocess --results nowhere").exits(1).stderr_has("error: ").stderr_has("nowhere");
    shell.mist("convert-msd --source nowhere --output out").exits(1).stderr_has("error: ").stderr_has("nowhere");
    shell.mist("convert-csv --train-csv nowhere.csv --output out").exits(1).stderr_has("error: ").stderr_has("nowhere");
}

#[test]
fn output_to_a_file_has_no_colours() {
    let shell = Shell::new();
    let ran = shell.mist("analyze --data nowhere.json").exits(1);
    assert!(!ran.stderr().contains('\x1b') && !ran.stdout().contains('\x1b'));
}
