//! Finalizing, predicting and evaluating as a user sees them, with networks that have hardly learnt anything.

use crate::scans::{predict_quickly, prepared};
use crate::shell::Shell;

const TRAIN: &str = "train --model nnunet-pocket --patch-size 32 32 32 --epochs 1 --warmup-epochs 0";

fn copy(shell: &Shell, from: &str, to: &str) {
    std::fs::create_dir_all(shell.path(to).parent().expect("a parent")).expect("a folder");
    std::fs::copy(shell.path(from), shell.path(to)).expect("a copy");
}

fn lines(shell: &Shell, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(shell.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn all_folds_give_a_table_and_models_that_predict_folders_and_tables() {
    let shell = prepared();
    shell.mist(TRAIN).exits(0);
    let table = lines(&shell, "results/results.csv");
    assert_eq!(table[0], "id,class_1_dice,class_1_haus95,class_2_dice,class_2_haus95");
    assert_eq!(table.len(), 1 + 6 + 5, "a header, six cases, five summary rows");
    assert_eq!(lines(&shell, "results/evaluation_paths.csv").len(), 7);
    shell.mist("finalize").exits(0);
    assert_eq!(lines(&shell, "results/results.csv"), table, "finalizing again changes nothing");

    // A folder with two scans and two files that are none.
    copy(&shell, "data/train/015/mr.nii.gz", "scans/first.nii.gz");
    copy(&shell, "data/train/036/mr.nii.gz", "scans/second.nii.gz");
    let scan = std::fs::read(shell.path("scans/first.nii.gz")).expect("a scan");
    std::fs::write(shell.path("scans/cut.nii.gz"), &scan[..scan.len() / 2]).expect("a file");
    shell.write("scans/empty.nii.gz", "");
    shell
        .mist("predict --models-dir results/models --config results/config.json --images scans --output out")
        .exits(3)
        .stderr_has("cut.nii.gz")
        .stderr_has("empty.nii.gz");
    let written = |folder: &str| {
        let entries = std::fs::read_dir(shell.path(folder)).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(
        written("out"),
        ["first.nii.gz", "predict_report.json", "second.nii.gz"],
        "nothing half-written, nothing for broken scans"
    );

    // Without a single result the command has failed.
    copy(&shell, "scans/empty.nii.gz", "broken/empty.nii.gz");
    shell
        .mist("predict --models-dir results/models --config results/config.json --images broken --output none")
        .exits(1)
        .stderr_has("no case could be segmented (1 case)");

    // A folder of scans is no place for results.
    shell
        .mist("predict --models-dir results/models --config results/config.json --images out --output out")
        .exits(2)
        .stderr_has("the prediction would replace the scan")
        .stderr_has("--output");

    // The same scan through a table, with probabilities: the same bytes.
    shell.write("paths.csv", "id,mr\nfirst,scans/first.nii.gz\nmissing,scans/nowhere.nii.gz\n");
    shell
        .mist(
            "predict --models-dir results/models --config results/config.json --paths-csv paths.csv --output table \
             --output-probs",
        )
        .exits(3)
        .stderr_has("nowhere.nii.gz");
    let bytes = |name: &str| std::fs::read(shell.path(name)).expect("a prediction");
    assert!(bytes("out/first.nii.gz") == bytes("table/discrete/first.nii.gz"));
    assert_eq!(written("table/probabilities"), ["first.nii.gz"]);

    copy(&shell, "data/train/015/mask.nii.gz", "truth/first.nii.gz");
    copy(&shell, "data/train/036/mask.nii.gz", "truth/second.nii.gz");
    shell
        .mist("evaluate --config results/config.json --masks truth --predictions out --output-csv scores.csv")
        .exits(0);
    assert_eq!(lines(&shell, "scores.csv").len(), 1 + 2 + 5);
    shell
        .mist("evaluate --config results/config.json --masks truth --predictions truth --output-csv scores.csv")
        .exits(0);
    assert_eq!(lines(&shell, "scores.csv")[1], "first,1.0,0.0,1.0,0.0");
}

fn report(shell: &Shell, name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(shell.path(name)).expect("a report")).expect("JSON")
}

#[test]
fn predictions_are_resumed_shared_and_reported() {
    let shell = prepared();
    predict_quickly(&shell);
    shell.mist(&format!("{TRAIN} --folds 0")).exits(0);
    shell.write(
        "paths.csv",
        "id,mr\na,data/train/015/mr.nii.gz\nb,data/train/036/mr.nii.gz\nc,data/train/057/mr.nii.gz\n",
    );
    let predict = "predict --models-dir results/models --config results/config.json --paths-csv paths.csv";
    shell.mist(&format!("{predict} --output out")).exits(0);
    let bytes = |name: &str| std::fs::read(shell.path(name)).expect("a prediction");

    let whole = report(&shell, "out/predict_report.json");
    let case = &whole["cases"][0];
    assert_eq!(case["id"], "a");
    assert!(case["windows"].as_u64() > Some(0) && case["seconds"]["predicting"].as_f64() > Some(0.0), "{case}");
    assert_eq!(case["orientation"].as_str().map(str::len), Some(3), "{case}");
    let voxels = case["labels"]["1"]["voxels"].as_f64().expect("a count");
    assert!((case["labels"]["1"]["ml"].as_f64().expect("a volume") - voxels / 1000.0).abs() < 1e-9, "voxels of 1 mm");

    // Nothing is left to do; a changed scan is, a missing segmentation too.
    let resume = format!("{predict} --output out --resume");
    shell.mist(&resume).exits(0).stdout_has("3 of 3 cases were done before");
    assert_eq!(report(&shell, "out/predict_report.json")["cases"], whole["cases"]);
    std::fs::remove_file(shell.path("out/a.nii.gz")).expect("removed");
    copy(&shell, "data/train/015/mr.nii.gz", "data/train/036/mr.nii.gz");
    shell.mist(&resume).exits(0).stdout_has("1 of 3 cases were done before");
    assert!(bytes("out/a.nii.gz") == bytes("out/b.nii.gz"));
    // Other settings make everything anew.
    shell.mist(&format!("{resume} --probabilities normalized")).exits(0).stdout_lacks("done before");
    assert!(bytes("out/discrete/c.nii.gz") == bytes("out/c.nii.gz"));

    // Two jobs share the work.
    for (shard, ids) in [("1/2", vec!["a", "c"]), ("2/2", vec!["b"])] {
        shell.mist(&format!("{predict} --output shared --shard {shard}")).exits(0);
        let report = report(&shell, &format!("shared/predict_report_{}.json", shard.replace('/', "_of_")));
        let cases = report["cases"].as_array().expect("cases");
        assert_eq!(cases.iter().map(|case| case["id"].as_str().expect("an id")).collect::<Vec<_>>(), ids);
    }
    // Neither the windows at once nor the memory change a byte.
    shell.mist(&format!("{predict} --output small --sw-batch-size 1 --max-memory 33M")).exits(0);
    for id in ["a", "b", "c"] {
        let name = format!("{id}.nii.gz");
        assert!(bytes(&format!("out/{name}")) == bytes(&format!("shared/{name}")), "{id}");
        assert!(bytes(&format!("out/{name}")) == bytes(&format!("small/{name}")), "{id}");
    }
    // The description of a data set names its test data.
    let description = std::fs::read_to_string(shell.path("data/dataset.json")).expect("a description");
    shell.write("data/more.json", &description.replace("\"mask\": [", "\"test-data\": \"train\", \"mask\": ["));
    shell
        .mist("predict --models-dir results/models --config results/config.json --data data/dataset.json --output test")
        .exits(1)
        .stderr_has("names no test data");
    shell
        .mist("predict --models-dir results/models --config results/config.json --data data/more.json --output test")
        .exits(0);
    assert_eq!(report(&shell, "test/predict_report.json")["cases"].as_array().map(Vec::len), Some(6));
}

#[test]
fn weights_are_used_only_with_the_configuration_that_they_were_trained_with() {
    let shell = prepared();
    predict_quickly(&shell);
    shell.mist(&format!("{TRAIN} --folds 0")).exits(0);
    let line = "predict --models-dir results/models --config other.json --images data/train --output out";
    let config = std::fs::read_to_string(shell.path("results/config.json")).expect("a configuration");
    shell.write(
        "other.json",
        &config.replace("\"normalize_with_nonzero_mask\": false", "\"normalize_with_nonzero_mask\": true"),
    );
    shell.mist(line).exits(1).stderr_has("`preprocessing.normalize_with_nonzero_mask` was false and is true");
    shell.write("other.json", &config);
    let record = std::fs::read_to_string(shell.path("results/models/fold_0.json")).expect("a record");
    let at = record.find("\"weights_sha256\": \"").expect("a checksum") + 19;
    shell.write("results/models/fold_0.json", &format!("{}0000{}", &record[..at], &record[at + 4..]));
    shell.mist(line).exits(1).stderr_has("the weights are not those that their record describes");
    shell.write("results/models/fold_0.json", "{}");
    shell.mist(line).exits(1).stderr_has("the record of the model cannot be read");
    std::fs::remove_file(shell.path("results/models/fold_0.json")).expect("removed");
    shell.mist(line).exits(0).stderr_has("fold_0.pt has no record beside it");
}

#[test]
fn what_prediction_needs_is_checked_first_and_named() {
    let shell = prepared();
    let line = "predict --models-dir models --config results/config.json --images data/train --output out";
    shell.mist(line).exits(1).stderr_has("Models directory not found").stderr_has("models");
    std::fs::create_dir(shell.path("models")).expect("a folder");
    shell.mist(line).exits(1).stderr_has("No model checkpoints found");
    shell.write("models/fold_0.pt", "no weights");
    shell.mist(line).exits(1).stderr_has("fold_0.pt");
    shell.mist(&line.replace("config.json", "nothing.json")).exits(1).stderr_has("Config file not found");
    shell.mist(&line.replace("data/train", "nowhere")).exits(1).stderr_has("nowhere");
    shell.mist(&format!("{line} --device tpu")).exits(2).stderr_has("tpu");
    shell.write("paths.csv", "id,t2\nfirst,a.nii.gz\n");
    let table = line.replace("--images data/train", "--paths-csv paths.csv");
    shell.mist(&table).exits(1).stderr_has("found t2, expected mr");
    assert!(!shell.path("out").exists());
    shell.mist("finalize --results nowhere").exits(1).stderr_has("Results directory does not exist");
}
