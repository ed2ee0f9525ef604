use super::*;

/// Loads the golden MR config with one value replaced (or removed: None) and shows the error as a person sees it.
fn error_with(pointer: &str, replacement: Option<Value>) -> String {
    let mut value = mr_value();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = value.pointer_mut(parent).expect("the parent is there");
    match replacement {
        Some(new) if parent.is_array() => parent[key.parse::<usize>().expect("a position")] = new,
        Some(new) => parent[key] = new,
        None => drop(parent.as_object_mut().expect("an object").remove(key)),
    }
    let error = load_value(&value).expect_err(pointer);
    match error.advice() {
        Some(hint) => format!("{error}\n  hint: {hint}"),
        None => error.to_string(),
    }
}

fn errors_with(edits: Vec<(&str, Value)>) -> String {
    let texts: Vec<String> = edits.into_iter().map(|(pointer, new)| error_with(pointer, Some(new))).collect();
    texts.join("\n")
}

#[test]
fn wrong_names_list_the_right_ones_and_the_nearest() {
    insta::assert_snapshot!(errors_with(vec![
        ("/dataset_info/modality", json!("mri")),
        ("/model/architecture", json!("nnunet-poket")),
        ("/training/loss/name", json!("hausdorff")),
        ("/training/optimizer", json!("adamv")),
        ("/training/lr_scheduler", json!("cosin")),
        ("/training/loss/composite_loss_weighting", json!({"name": "Linear"})),
        ("/training/hardware/data_loader", json!("dalli")),
        ("/inference/inferer/params/patch_blend_mode", json!("gauss")),
        ("/inference/tta/strategy", json!(8)),
        ("/evaluation/one/metrics", json!({"haus59": {}})),
    ]), @r#"
    `dataset_info.modality` is "mri" (results/config.json): it must be one of ct, mr, other
      hint: did you mean "mr"?
    `model.architecture` is "nnunet-poket" (results/config.json): it must be one of mednext-base, nnunet, nnunet-pocket
      hint: did you mean "nnunet-pocket"?
    `training.loss.name` is "hausdorff" (results/config.json): it must be one of bl, dice, dice_ce
    `training.optimizer` is "adamv" (results/config.json): it must be one of adam, adamw, sgd
      hint: did you mean "adamw"?
    `training.lr_scheduler` is "cosin" (results/config.json): it must be one of constant, cosine, polynomial
      hint: did you mean "cosine"?
    `training.loss.composite_loss_weighting.name` is "Linear" (results/config.json): it must be one of constant, cosine, linear
      hint: did you mean "linear"?
    `training.hardware.data_loader` is "dalli" (results/config.json): it must be one of auto, dali, generic
      hint: did you mean "dali"?
    `inference.inferer.params.patch_blend_mode` is "gauss" (results/config.json): it must be one of gaussian, constant
      hint: did you mean "gaussian"?
    `inference.tta.strategy` is 8 (results/config.json): it must be one of none, all_flips
    `evaluation.one.metrics.haus59` is not a known key (results/config.json): known here: avg_surf, dice, haus95, lesion_wise_dice, lesion_wise_f1, lesion_wise_haus95, lesion_wise_surf_dice, surf_dice
      hint: did you mean `haus95`?
    "#);
}

#[test]
fn wrong_values_say_what_is_allowed() {
    insta::assert_snapshot!(errors_with(vec![
        ("/dataset_info", json!([])),
        ("/dataset_info/images", json!("t1")),
        ("/dataset_info/images/1", json!("mask")),
        ("/dataset_info/images/1", json!("t1n")),
        ("/dataset_info/labels", json!([1, 0, 2])),
        ("/dataset_info/labels", (0..256).collect()),
        ("/dataset_info/labels/2", json!(1)),
        ("/dataset_info/labels/2", json!(256)),
        ("/dataset_info/labels/2", json!(1.5)),
        ("/spatial_config/patch_size", json!([32, 32])),
        ("/spatial_config/patch_size/2", json!(0)),
        ("/spatial_config/target_spacing/0", json!(-1.0)),
        ("/preprocessing/skip", json!("no")),
        ("/preprocessing/ct_normalization", json!({"window_min": 1, "window_max": 0, "z_score_mean": 0, "z_score_std": 1})),
        ("/model/params/in_channels", json!(3)),
        ("/model/params/out_channels", json!(2)),
        ("/training/nfolds", json!(1)),
        ("/training/folds", json!([0, 3])),
        ("/training/folds", json!([2, 2])),
        ("/training/folds", json!([])),
        ("/training/val_percent", json!(1.0)),
        ("/training/epochs", json!(-3)),
        ("/training/epochs", json!(10.5)),
        ("/training/learning_rate", json!(0)),
        ("/training/dali_foreground_prob", json!(60)),
        ("/training/hardware/master_port", json!(70000)),
        ("/inference/inferer/params/patch_overlap", json!(1.0)),
        ("/evaluation/one/labels", json!([0])),
        ("/evaluation/one/labels", json!([])),
        ("/evaluation/one/metrics", json!({"surf_dice": {"tolerance": "2mm"}})),
        ("/training/loss/composite_loss_weighting", json!({"name": "linear", "params": {"init_pause": 2.5}})),
    ]), @r#"
    `dataset_info` is [] (results/config.json): it must be an object { … }
    `dataset_info.images` is "t1" (results/config.json): it must be a list
    `dataset_info.images[1]` is "mask" (results/config.json): it must be a channel name other than id, fold and mask, which name other columns
    `dataset_info.images[1]` is "t1n" (results/config.json): it must be a name that no other channel has
    `dataset_info.labels` is [1,0,2] (results/config.json): it must be a list that starts with 0, the background
    `dataset_info.labels` is [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22, … (results/config.json): it must be a list of 255 labels at most
    `dataset_info.labels[2]` is 1 (results/config.json): it must be a label that is not listed before
    `dataset_info.labels[2]` is 256 (results/config.json): it must be a label: a whole number from 0 to 255
    `dataset_info.labels[2]` is 1.5 (results/config.json): it must be a label: a whole number from 0 to 255
    `spatial_config.patch_size` is [32,32] (results/config.json): it must be a list of three, one per axis x, y, z
    `spatial_config.patch_size[2]` is 0 (results/config.json): it must be a whole number, 1 or more
    `spatial_config.target_spacing[0]` is -1.0 (results/config.json): it must be a spacing in mm, above 0
    `preprocessing.skip` is "no" (results/config.json): it must be true or false
    `preprocessing.ct_normalization.window_max` is 0 (results/config.json): it must be no less than `window_min`
    `model.params.in_channels` is 3 (results/config.json): it must be 4, the number of `dataset_info.images`
    `model.params.out_channels` is 2 (results/config.json): it must be 3, the number of `dataset_info.labels`
    `training.nfolds` is 1 (results/config.json): it must be a whole number from 2 to 10000
    `training.folds[1]` is 3 (results/config.json): it must be a fold: a whole number from 0 to 2
    `training.folds[1]` is 2 (results/config.json): it must be a fold that is not listed before
    `training.folds` is [] (results/config.json): it must be a list with at least one element
    `training.val_percent` is 1.0 (results/config.json): it must be a number from 0 to below 1
    `training.epochs` is -3 (results/config.json): it must be a whole number, 0 or more
    `training.epochs` is 10.5 (results/config.json): it must be a whole number, 0 or more
    `training.learning_rate` is 0 (results/config.json): it must be a number above 0
    `training.dali_foreground_prob` is 60 (results/config.json): it must be a number from 0 to 1
    `training.hardware.master_port` is 70000 (results/config.json): it must be a port: a whole number from 0 to 65535
    `inference.inferer.params.patch_overlap` is 1.0 (results/config.json): it must be a number from 0 to below 1
    `evaluation.one.labels[0]` is 0 (results/config.json): it must be one of the labels besides the background, 1, 2
    `evaluation.one.labels` is [] (results/config.json): it must be a list with at least one element
    `evaluation.one.metrics.surf_dice.tolerance` is "2mm" (results/config.json): it must be a number, 0 or more
    `training.loss.composite_loss_weighting.params.init_pause` is 2.5 (results/config.json): it must be a whole number of epochs, -1 or more
    "#);
}

#[test]
fn missing_keys_are_named_and_the_misspelled_one_found() {
    let mut texts = vec![
        error_with("/training", None),
        error_with("/training/hardware/communication_backend", None),
        error_with("/training/augmentation/transforms/blur", None),
        error_with("/evaluation/one/metrics", None),
    ];
    let mut value = mr_value();
    let preprocessing = value["preprocessing"].as_object_mut().expect("a section");
    preprocessing.remove("crop_to_foreground");
    preprocessing.insert("crop_to_forground".into(), json!(true));
    let error = load_value(&value).expect_err("misspelled");
    texts.push(format!("{error}\n  hint: {}", error.advice().expect("a hint")));
    insta::assert_snapshot!(texts.join("\n"), @r"
    `training` is missing (results/config.json)
    `training.hardware.communication_backend` is missing (results/config.json)
    `training.augmentation.transforms.blur` is missing (results/config.json)
    `evaluation.one.metrics` is missing (results/config.json)
    `preprocessing.crop_to_foreground` is missing (results/config.json)
      hint: is `preprocessing.crop_to_forground` meant to be `crop_to_foreground`?
    ");
}

#[test]
fn unknown_keys_are_errors_where_a_slip_would_change_results() {
    insta::assert_snapshot!(errors_with(vec![
        ("/training/augmentation/transforms/flip", json!(true)),
        ("/inference/inferer/params/patch_overlp", json!(0.5)),
        ("/training/loss/composite_loss_weighting", json!({"name": "linear", "params": {"start_value": 1.0}})),
        ("/training/loss/composite_loss_weighting", json!({"name": "constant", "params": {"start_val": 1.0}})),
    ]), @r"
    `training.augmentation.transforms.flip` is not a known key (results/config.json): known here: flips, zoom, noise, blur, brightness, contrast, rotation, elastic, low_resolution, gamma
      hint: did you mean `flips`?
    `inference.inferer.params.patch_overlp` is not a known key (results/config.json): known here: patch_blend_mode, patch_overlap, sw_batch_size
      hint: did you mean `patch_overlap`?
    `training.loss.composite_loss_weighting.params.start_value` is not a known key (results/config.json): known here: init_pause, start_val, end_val
      hint: did you mean `start_val`?
    `training.loss.composite_loss_weighting.params.start_val` is not a known key (results/config.json): known here: value
    ");
}

#[test]
fn a_ct_config_needs_its_window() {
    let mut value = json::read(&golden("ct_aniso")).expect("reads");
    value["preprocessing"]["ct_normalization"]["z_score_mean"] = Value::Null;
    let error = load_value(&value).expect_err("no mean");
    insta::assert_snapshot!(error, @r#"`preprocessing.ct_normalization.z_score_mean` is null (results/config.json): it must be a number, because `dataset_info.modality` is "ct""#);
}

#[test]
fn what_outputs_stand_for_is_checked_against_the_labels() {
    insta::assert_snapshot!(errors_with(vec![
        ("/training/ignore_label", json!(1)),
        ("/training/ignore_label", json!(2)),
        ("/training/class_weights", json!([1, 2])),
        ("/training/class_weights", json!([1, 0, 0])),
        ("/training/class_weights", json!([1, -1, 1])),
        ("/training/regions", json!({})),
        ("/training/regions", json!({"a,b": [1]})),
        ("/training/regions", json!({"whole": [1, 3]})),
        ("/training/regions", json!({"core": [2], "whole": [1, 2]})),
        ("/training/regions", json!({"whole": [1, 2], "core": [2]})),
    ]), @r#"
    `training.ignore_label` is 1 (results/config.json): it must be 2, the last of `dataset_info.labels`
    `model.params.out_channels` is 3 (results/config.json): it must be 2, the number of `dataset_info.labels` without `training.ignore_label`
    `training.class_weights` is [1,2] (results/config.json): it must be 3 weights, one for each class, the background first; not all 0
    `training.class_weights` is [1,0,0] (results/config.json): it must be 3 weights, one for each class, the background first; not all 0
    `training.class_weights[1]` is -1 (results/config.json): it must be a weight: a number, 0 or more
    `training.regions` is {} (results/config.json): it must be an object of regions, each a name with a list of labels
    `training.regions.a,b` is [1] (results/config.json): it must be a region with a name without commas, quotes, slashes and line ends
    `training.regions.whole[1]` is 3 (results/config.json): it must be one of the labels [1, 2]
    `training.regions.core` is [2] (results/config.json): it must be a region with exactly one label that no later region has (this has 0): list larger regions before those inside them
    `model.params.out_channels` is 3 (results/config.json): it must be 2, the number of `training.regions`
    "#);
}

#[test]
fn a_number_of_folds_that_no_memory_can_list_is_refused() {
    let folds = i64::MAX;
    insta::assert_snapshot!(error_with("/training/nfolds", Some(json!(folds))), @"`training.nfolds` is 9223372036854775807 (results/config.json): it must be a whole number from 2 to 10000");
}
