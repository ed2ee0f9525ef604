//! The command lines and fragments of `config.json` in the published guide ("Advanced topics", 2.0.0rc0), section by
//! section, under the command names it uses. Only what would take days is made smaller, by the words in [`SMALL`] and five
//! steps per epoch. Its whole configuration file is the subject of `guide_config`; Docker is not here. Models and losses of
//! one's own are the subject of `examples`.

use crate::scans::{change, data_set, predict_quickly, prepared};
use crate::shell::{Ran, Shell};
use serde_json::{Value, json};

/// Appended to every training line of the guide.
const SMALL: &str = "--model nnunet-pocket --patch-size 32 32 32 --folds 0 --epochs 1 --warmup-epochs 0";

/// A shell with the commands of the guide, the scans analyzed and preprocessed.
fn shell() -> Shell {
    let shell = prepared();
    predict_quickly(&shell);
    with_commands(shell)
}

fn with_commands(shell: Shell) -> Shell {
    shell.mist("aliases install bin").exits(0);
    shell
}

/// Runs a line that begins with a command of the guide.
fn run(shell: &Shell, line: &str) -> Ran {
    let (command, arguments) = line.split_once(' ').expect("a command and its arguments");
    shell.run(&shell.path("bin").join(command), arguments)
}

fn train(shell: &Shell, words: &str) -> Ran {
    run(shell, &format!("mist_train --numpy numpy --results results {words} {SMALL} --overwrite"))
}

fn config(shell: &Shell) -> Value {
    serde_json::from_str(&std::fs::read_to_string(shell.path("results/config.json")).expect("a config")).expect("JSON")
}

/// Puts the members of a fragment into a section of `config.json`, as a user would by hand.
fn edit(shell: &Shell, section: &str, fragment: Value) {
    change(shell, |config| {
        let target = config.pointer_mut(section).and_then(Value::as_object_mut).expect("a section");
        target.extend(fragment.as_object().expect("an object").clone());
    });
}

fn has_model(shell: &Shell) -> bool {
    shell.path("results/models/fold_0.pt").is_file()
}

#[test]
fn patch_size_selection_overriding_the_patch_size() {
    let shell = shell();
    edit(&shell, "/spatial_config", json!({"patch_size": [64, 32, 32]}));
    let line =
        "mist_train --numpy numpy --results results --model nnunet-pocket --folds 0 --epochs 1 --warmup-epochs 0";
    run(&shell, line).exits(0).stdout_has("patch 64 × 32 × 32");
    run(&shell, &format!("{line} --patch-size 32 64 32 --overwrite")).exits(0).stdout_has("patch 32 × 64 × 32");
    assert_eq!(config(&shell)["spatial_config"]["patch_size"], json!([32, 64, 32]));
}

#[test]
fn network_architectures_the_pocket_network() {
    let shell = shell();
    train(&shell, "").exits(0);
    assert!(has_model(&shell));
    assert_eq!(config(&shell)["model"]["architecture"], "nnunet-pocket");
}

#[test]
fn network_architectures_by_name() {
    let shell = shell();
    let models = run(&shell, "mist_train --help").stdout();
    for name in [
        "nnunet",
        "nnunet-pocket",
        "mednext-small",
        "mednext-base",
        "mednext-medium",
        "mednext-large",
        "fmgnet",
        "wnet",
        "swinunetr-small",
        "swinunetr-base",
        "swinunetr-large",
    ] {
        assert!(models.contains(name), "{name}");
    }
}

#[test]
fn network_architectures_mednext_kernel_size_and_patch_sizes() {
    let shell = shell();
    edit(&shell, "/model", json!({"architecture": "mednext-small"}));
    edit(&shell, "/model/params", json!({"kernel_size": 5}));
    let line = "mist_train --numpy numpy --results results --folds 0 --epochs 1 --warmup-epochs 0";
    run(&shell, &format!("{line} --patch-size 32 40 32")).exits(1).stderr_has("multiples are 32 and 48");
    run(&shell, &format!("{line} --patch-size 32 16 16")).exits(0).stdout_has("Model mednext-small");
    let weights = shell.mist("weights inspect results/models/fold_0.pt").exits(0).stdout();
    assert!(weights.contains("32×1×5×5×5"), "{weights}");
    // The one that checks, says the guide; all do.
    run(&shell, &format!("{line} --model swinunetr-base --patch-size 64 64 48 --overwrite"))
        .exits(1)
        .stderr_has("multiples are 32 and 64");
}

#[test]
fn transfer_learning() {
    let shell = shell();
    run(&shell, &format!("mist_train --numpy numpy --results results {}", SMALL.replace("--folds 0", "--folds 0 1 2")))
        .exits(0);
    let files: Vec<String> = (0..3).map(|fold| format!("results/models/fold_{fold}.pt")).collect();
    run(&shell, &format!("mist_average_weights --weights {} --output pretrained_init.pt", files.join(" "))).exits(0);
    std::fs::create_dir(shell.path("source")).expect("a folder");
    std::fs::copy(shell.path("results/config.json"), shell.path("source/config.json")).expect("a copy");
    for strategy in ["average", "first", "skip"] {
        let words = format!(
            "--pretrained-weights pretrained_init.pt --pretrained-config source/config.json --input-channel-strategy \
             {strategy}"
        );
        train(&shell, &words).exits(0).stdout_has("Starts from");
    }
    train(&shell, "--pretrained-weights pretrained_init.pt").exits(2).stderr_has("--pretrained-config");
}

#[test]
fn loss_functions_distance_maps_in_the_whole_pipeline() {
    let shell = with_commands(data_set());
    let line = "mist_run_all --data data/dataset.json --numpy numpy --results results --loss gsl --compute-dtms \
                --composite-loss-weighting constant --nfolds 3";
    run(&shell, &format!("{line} {SMALL}")).exits(0);
    // 250 steps, as the analysis wrote the configuration.
    assert!(has_model(&shell));
    let loss = &config(&shell)["training"]["loss"];
    assert_eq!(loss["name"], "gsl");
    assert_eq!(loss["composite_loss_weighting"], json!({"name": "constant", "params": {"value": 0.5}}));
}

#[test]
fn loss_functions_distance_maps_by_the_configuration() {
    let shell = shell();
    edit(&shell, "/preprocessing", json!({"compute_dtms": true, "normalize_dtms": true}));
    run(&shell, "mist_preprocess --results results --numpy numpy --overwrite").exits(0);
    let normalized = std::fs::read(shell.path("numpy/dtms/036.npy")).expect("distance maps");
    train(&shell, "--loss bl --composite-loss-weighting linear").exits(0);
    let schedule = json!({"name": "linear", "params": {"init_pause": 5, "start_val": 1.0, "end_val": 0.0}});
    assert_eq!(config(&shell)["training"]["loss"]["composite_loss_weighting"], schedule);

    edit(&shell, "/preprocessing", json!({"normalize_dtms": false}));
    run(&shell, "mist_preprocess --results results --numpy numpy --overwrite").exits(0);
    let plain = std::fs::read(shell.path("numpy/dtms/036.npy")).expect("distance maps");
    assert!(plain != normalized, "distances in millimetres differ from those between -1 and 1");
}

#[test]
fn loss_functions_schedules() {
    let shell = shell();
    train(&shell, "--loss cldice --composite-loss-weighting cosine").exits(0);
    let schedule = json!({"name": "cosine", "params": {"init_pause": 5, "start_val": 1.0, "end_val": 0.0}});
    assert_eq!(config(&shell)["training"]["loss"]["composite_loss_weighting"], schedule);

    edit(&shell, "/training", json!({"loss": {"name": "vessel_sddl", "composite_loss_weighting": schedule}}));
    train(&shell, "").exits(0);
    edit(&shell, "/training", json!({"loss": {"name": "dice", "composite_loss_weighting": null}}));
    train(&shell, "").exits(0);
    assert!(has_model(&shell));
}

#[test]
fn optimizers() {
    let shell = shell();
    edit(&shell, "/training", json!({"grad_clip_norm": 0.5}));
    train(&shell, "--optimizer adamw --l2-penalty 0.0001").exits(0);
    train(&shell, "--optimizer sgd").exits(0);
    assert_eq!(config(&shell)["training"]["grad_clip_norm"], 0.5);
}

#[test]
fn learning_rate_schedulers() {
    let shell = shell();
    train(&shell, "--learning-rate 0.01 --lr-scheduler polynomial").exits(0);
    // The warm-up of 20 epochs is that of a run of 1000.
    edit(&shell, "/training", json!({"epochs": 1000, "lr_scheduler": "cosine", "warmup_epochs": 20}));
    let line =
        "mist_train --numpy numpy --results results --lr-scheduler cosine --warmup-epochs 20 --dry-run --folds 0";
    run(&shell, line).exits(0).stdout_has("for 1000 epochs");
}

#[test]
fn custom_cross_validation() {
    let shell = shell();
    // Six folds, by the hospitals that the patients come from.
    let path = shell.path("results/train_paths.csv");
    let table = std::fs::read_to_string(&path).expect("a table");
    let column = table.lines().next().expect("a header").split(',').position(|name| name == "fold").expect("folds");
    let renumbered = table.lines().enumerate().map(|(row, line)| {
        let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        if row > 0 {
            fields[column] = (row - 1).to_string();
        }
        fields.join(",") + "\n"
    });
    std::fs::write(&path, renumbered.collect::<String>()).expect("a writable table");
    edit(&shell, "/training", json!({"nfolds": 6, "folds": [0, 1, 2, 3, 4, 5]}));
    train(&shell, "--val-percent 0.05").exits(0);
    assert_eq!(config(&shell)["training"]["val_percent"], 0.05);
    let predicted = std::fs::read_dir(shell.path("results/predictions/train/raw")).expect("predictions").count();
    assert_eq!(predicted, 1, "the one patient of the first hospital");
}

#[test]
fn data_augmentation() {
    let shell = shell();
    let transforms =
        json!({"flips": true, "zoom": true, "noise": false, "blur": false, "brightness": true, "contrast": true});
    edit(&shell, "/training", json!({"augmentation": {"enabled": true, "transforms": transforms}}));
    train(&shell, "").exits(0);
    let model = |shell: &Shell| std::fs::read(shell.path("results/models/fold_0.pt")).expect("weights");
    let augmented = model(&shell);
    edit(&shell, "/training/augmentation", json!({"enabled": false}));
    train(&shell, "").exits(0);
    assert!(model(&shell) != augmented, "the switch changes what the network sees");
}

#[test]
fn foreground_sampling_probability() {
    let shell = shell();
    for probability in [0.0, 0.6, 1.0] {
        edit(&shell, "/training", json!({"dali_foreground_prob": probability}));
        train(&shell, "").exits(0);
    }
    edit(&shell, "/training", json!({"dali_foreground_prob": 1.5}));
    train(&shell, "").exits(1).stderr_has("`training.dali_foreground_prob` is 1.5");
}

/// Columns of the table that `mist_evaluate` makes of the scans' own masks with a section, and the first case's scores.
fn evaluated(shell: &Shell, section: &Value) -> (String, String) {
    let config = json!({ "evaluation": section }).to_string();
    shell.write("evaluation.json", &config);
    let line =
        "mist_evaluate --config evaluation.json --paths-csv pairs.csv --output-csv scores.csv --num-workers-evaluate 2";
    run(shell, line).exits(0);
    let table = std::fs::read_to_string(shell.path("scores.csv")).expect("a table");
    let mut lines = table.lines().map(str::to_owned);
    (lines.next().unwrap_or_default(), lines.next().unwrap_or_default())
}

/// A shell with a table of masks that are compared with themselves.
fn with_pairs() -> Shell {
    let shell = with_commands(data_set());
    let row = |id: &str| format!("{id},data/train/{id}/mask.nii.gz,data/train/{id}/mask.nii.gz\n");
    shell.write("pairs.csv", &format!("id,mask,prediction\n{}{}", row("015"), row("036")));
    shell
}

#[test]
fn evaluation_metrics_different_metrics_per_class() {
    let shell = with_pairs();
    let section = json!({
        "wt": {"labels": [1, 2, 4], "metrics": {"dice": {}}},
        "et": {"labels": [4], "metrics": {"dice": {}, "surf_dice": {"tolerance": 1.0}}}
    });
    let (header, first) = evaluated(&shell, &section);
    assert_eq!((header.as_str(), first.as_str()), ("id,wt_dice,et_dice,et_surf_dice", "015,1.0,1.0,1.0"));
}

#[test]
fn evaluation_metrics_surface_dice_tolerances_per_class() {
    let shell = with_pairs();
    let class = |labels: Value, tolerance: f64| json!({ "labels": labels, "metrics": { "dice": {}, "surf_dice": { "tolerance": tolerance } } });
    let section =
        json!({ "wt": class(json!([1, 2, 4]), 3.0), "tc": class(json!([1, 4]), 2.0), "et": class(json!([4]), 1.0) });
    let (header, _) = evaluated(&shell, &section);
    assert_eq!(header, "id,wt_dice,wt_surf_dice,tc_dice,tc_surf_dice,et_dice,et_surf_dice");
    // The larger of two tolerances forgives more.
    let moved = "id,mask,prediction\n015,data/train/015/mask.nii.gz,moved.nii.gz\n";
    let mask = mist_volume::nifti::read(&shell.path("data/train/015/mask.nii.gz")).expect("a mask");
    let shifted = mist_volume::Volume::from_fn(*mask.geometry(), |[x, y, z]| {
        let before = x.checked_sub(2).and_then(|x| mask.get([x, y, z]).copied());
        before.unwrap_or(0.0)
    });
    mist_volume::nifti::write(&shell.path("moved.nii.gz"), &shifted).expect("a file");
    shell.write("pairs.csv", moved);
    let surface = |tolerance: f64| {
        let (_, first) = evaluated(&shell, &json!({ "wt": class(json!([1, 2]), tolerance) }));
        first.rsplit(',').next().and_then(|score| score.parse::<f64>().ok()).expect("a score")
    };
    let (strict, lenient) = (surface(1.0), surface(3.0));
    assert!(strict < 0.95 && lenient > 0.99, "{strict} within 1 mm, {lenient} within 3 mm");
}

#[test]
fn evaluation_metrics_available_metrics() {
    let shell = with_pairs();
    let lesions = json!({ "min_lesion_volume": 5.0, "dilation_iters": 2, "gt_consolidation_iters": 1 });
    let section = json!({ "all": { "labels": [1, 2], "metrics": {
        "dice": {}, "haus95": {}, "avg_surf": {}, "surf_dice": {}, "lesion_wise_dice": {}, "lesion_wise_haus95": lesions,
        "lesion_wise_surf_dice": { "tolerance": 2.0 }
    } } });
    let (_, first) = evaluated(&shell, &section);
    assert_eq!(first, "015,1.0,0.0,0.0,1.0,1.0,0.0,1.0");
}
