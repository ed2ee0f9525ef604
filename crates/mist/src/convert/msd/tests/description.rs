use super::*;

/// A source with one good case `a` and an empty folder of test images.
fn folders() -> Folders {
    let folders = Folders::new();
    fs::create_dir(folders.source().join("imagesTs")).expect("made");
    folders.image("imagesTr/a.nii.gz", [4, 3, 2], 1);
    folders.image("labelsTr/a.nii.gz", [4, 3, 2], 0);
    folders
}

fn shown(error: &Error, folders: &Folders) -> String {
    error.to_string().replace(&folders.root.path().display().to_string(), "data")
}

#[test]
fn slips_are_named_before_anything_is_written() {
    let edits = [
        ("name", Value::Null),
        ("modality", json!(["CT"])),
        ("modality", json!({})),
        ("modality", json!({"CT": 0})),
        ("modality", json!({"1": "CT"})),
        ("modality", json!({"0": "CT", "1": "CT"})),
        ("modality", json!({"0": "CT", "00": "PET"})),
        ("modality", json!({"0": "mask"})),
        ("modality", json!({"0": "../CT"})),
        ("modality", json!({"0": "t1", "1": "ct1"})),
        ("modality", json!({"0": "brainmask"})),
        ("labels", json!({"background": 0, "tumour": 1})),
        ("labels", json!({"0": "background", "256": "tumour"})),
        ("labels", json!({"0": "background", "1": "tumour core", "2": "tumour_core"})),
        ("labels", json!({"0": "background", "1": "tumour", "01": "core"})),
        ("labels", json!({"1": "tumour"})),
        ("labels", json!({"0": "background"})),
        ("labels", json!({"0": "background", "1": ""})),
        ("training", json!({"image": "a"})),
        ("training", json!([])),
        ("training", json!([{"label": "a"}])),
        ("training", json!(["a.nii.gz", {"image": "other/a.nii"}])),
        ("training", json!(["imagesTr/"])),
        ("test", json!([7])),
    ];
    let mut texts = Vec::new();
    for (key, value) in edits {
        let folders = folders();
        let mut description = one_channel(json!(["a.nii.gz"]));
        description[key] = value;
        folders.describe(&description);
        texts.push(shown(&folders.convert().expect_err(key), &folders));
        assert!(!folders.output().exists(), "{key}");
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    `name` is null (data/source/dataset.json:1:2): it must be a string
    `modality` is ["CT"] (data/source/dataset.json:1:16): it must be an object { … }
    `modality` is {} (data/source/dataset.json:1:16): it must be an object with at least one channel
    `modality.CT` is 0 (data/source/dataset.json:1:28): it must be under the position of a channel, as in "0": "CT"
    `modality` is {"1":"CT"} (data/source/dataset.json:1:16): it must be {"0": …} where there is one channel
    `modality.1` is "CT" (data/source/dataset.json:1:37): it must be a channel that is not listed before
    `modality.00` is "PET" (data/source/dataset.json:1:37): it must be a channel that is not listed before
    `modality.0` is "mask" (data/source/dataset.json:1:28): it must be a channel name other than id, fold and mask, which name other columns
    `modality.0` is "../CT" (data/source/dataset.json:1:28): it must be a name that can be a file name
    `modality` is {"0":"t1","1":"ct1"} (data/source/dataset.json:1:16): it must be names whose files can be told apart; t1.nii.gz is part of ct1.nii.gz
    `modality` is {"0":"brainmask"} (data/source/dataset.json:1:16): it must be names whose files can be told apart; mask.nii.gz is part of brainmask.nii.gz
    `labels.background` is 0 (data/source/dataset.json:1:48): it must be under a label value from 0 to 255, as in "1": "tumour"
    `labels.256` is "tumour" (data/source/dataset.json:1:65): it must be under a label value from 0 to 255, as in "1": "tumour"
    `labels.2` is "tumour_core" (data/source/dataset.json:1:83): it must be another name; with spaces replaced by _ it is that of label 1
    `labels.01` is "core" (data/source/dataset.json:1:78): it must be a label that is not listed before
    `labels` is {"1":"tumour"} (data/source/dataset.json:1:38): it must be an object with label 0, the background
    `labels` is {"0":"background"} (data/source/dataset.json:1:38): it must be an object with a label besides 0
    `labels.1` is "" (data/source/dataset.json:1:65): it must be the name of a class, not empty
    `training` is {"image":"a"} (data/source/dataset.json:1:84): it must be a list
    `training` is [] (data/source/dataset.json:1:84): it must be a list with at least one case
    `training[0].image` is missing (data/source/dataset.json:1:96)
    `training[1]` is {"image":"other/a.nii"} (data/source/dataset.json:1:107): it must be a case that is not listed before; the id a is
    `training[0]` is "imagesTr/" (data/source/dataset.json:1:96): it must be the path of an image file
    `test[0]` is 7 (data/source/dataset.json:1:116): it must be an object { … }
    "#);
}

#[test]
fn missing_keys_and_folders_are_named() {
    for key in ["name", "modality", "labels", "training"] {
        let folders = folders();
        let mut description = one_channel(json!(["a.nii.gz"]));
        description.as_object_mut().expect("an object").remove(key);
        folders.describe(&description);
        let text = shown(&folders.convert().expect_err(key), &folders);
        assert_eq!(text, format!("`{key}` is missing (data/source/dataset.json)"));
    }
    let folders = folders();
    let text = shown(&folders.convert().expect_err("no description"), &folders);
    assert!(text.starts_with("cannot read the file (data/source/dataset.json): "), "{text}");
    fs::remove_dir(folders.source().join("imagesTs")).expect("removed");
    fs::remove_dir_all(folders.source().join("labelsTr")).expect("removed");
    let text = shown(&folders.convert().expect_err("no masks"), &folders);
    assert_eq!(text, "a folder of the source is missing (data/source/labelsTr)");
    fs::remove_dir_all(folders.source()).expect("removed");
    let text = shown(&folders.convert().expect_err("no source"), &folders);
    assert_eq!(text, "a folder of the source is missing (data/source)");
    assert!(!folders.output().exists());
}

#[test]
fn without_a_list_all_test_images_are_taken() {
    let folders = folders();
    folders.image("imagesTs/z.nii.gz", [2, 2, 2], 1);
    folders.image("imagesTs/y.nii", [2, 2, 2], 1);
    fs::write(folders.source().join("imagesTs/._z.nii.gz"), b"").expect("written");
    fs::write(folders.source().join("imagesTs/notes.txt"), b"").expect("written");
    folders.describe(&one_channel(json!(["a.nii.gz"])));
    assert_eq!(folders.convert().expect("converts"), []);
    let test: Vec<String> = folders.written().into_iter().filter(|file| file.contains("test")).collect();
    assert_eq!(test, ["raw/test/y/CT.nii.gz", "raw/test/z/CT.nii.gz"]);
    let dataset = Dataset::load(&folders.output().join("dataset.json")).expect("analysis accepts it");
    assert_eq!(dataset.test_data, Some(folders.output().join("raw/test")));
}

#[test]
fn without_a_folder_test_cases_are_left_out() {
    let folders = folders();
    fs::remove_dir(folders.source().join("imagesTs")).expect("removed");
    let mut description = one_channel(json!(["a.nii.gz"]));
    description["test"] = json!(["z.nii.gz"]);
    folders.describe(&description);
    let console = Recorder::default();
    assert_eq!(folders.convert_with(&console).expect("converts"), []);
    let warnings = console.warnings();
    assert_eq!(warnings, ["the test cases are left out, because there is no folder imagesTs"]);
    let dataset = Dataset::load(&folders.output().join("dataset.json")).expect("analysis accepts it");
    assert_eq!(dataset.test_data, None);
}

#[test]
fn the_background_is_written_first() {
    let folders = folders();
    let mut description = one_channel(json!(["a.nii.gz"]));
    description["labels"] = json!({"4": "edema", "2": "enhancing core", "0": "background"});
    folders.describe(&description);
    folders.convert().expect("converts");
    let dataset = Dataset::load(&folders.output().join("dataset.json")).expect("analysis accepts it");
    assert_eq!(dataset.info.labels, [0, 4, 2]);
    assert_eq!(dataset.final_classes, [("edema".into(), vec![4]), ("enhancing_core".into(), vec![2])]);
}
