//! The dataset description: the file that a user writes to say where scans lie and what their labels mean.
//!
//! Everything is checked before any work: what analysis accepts here must not fail in evaluation, hours later.

use crate::config::{DatasetInfo, Modality, check_channel_name, parse_labels};
use crate::error::{Error, Result};
use crate::json::{self, Document, Field, Section};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A checked dataset description. Paths are absolute.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Task, modality, channel names and labels, as they go into the config.
    pub info: DatasetInfo,
    /// Folder with one folder per training case.
    pub train_data: PathBuf,
    /// Folder with one folder per test case, where the data set has one.
    pub test_data: Option<PathBuf>,
    /// A file is a mask when its name contains any of these.
    pub mask: Vec<String>,
    /// Channels in channel order, each with the strings that identify its file by name.
    pub images: Vec<(String, Vec<String>)>,
    /// Classes to evaluate, each with the label values that make it up, in file order.
    pub final_classes: Vec<(String, Vec<i64>)>,
    /// Remarks on unknown keys that look like misspelled ones; for the console.
    pub remarks: Vec<String>,
}

impl Dataset {
    /// Reads and checks a description. Relative paths in it are relative to its folder. Errors name file, line, key, value
    /// and what is allowed.
    pub fn load(path: &Path) -> Result<Self> {
        let (value, places) = json::read_with_places(path)?;
        let document = Document::new(path).with_places(&places);
        let mut dataset = Self::parse(path, &document, &value)?;
        dataset.remarks = document.into_remarks();
        Ok(dataset)
    }

    /// Checks a description that is, or would be, the file at `path`.
    pub(crate) fn parse(path: &Path, document: &Document, value: &Value) -> Result<Self> {
        let root = document.root(value)?;
        refuse_config(path, &root)?;
        refuse_decathlon(path, &root)?;
        let file = std::path::absolute(path).map_err(|error| Error::new("no such path").at(path).because(error))?;
        let base = file.parent().unwrap_or(&file);
        let task = root.required("task")?.string()?.to_owned();
        let modality = Modality::parse(&root.required("modality")?)?;
        let train_data = filled_folder(base, &root.required("train-data")?)?;
        let test_data = root.optional("test-data").and_then(Field::or_null);
        let mask = identifying_strings(&root.required("mask")?)?;
        let images = parse_images(&root.required("images")?)?;
        let labels = parse_labels(&root.required("labels")?)?;
        if labels.len() < 2 {
            return Err(root.required("labels")?.refuse("a list with at least one label besides 0"));
        }
        let classes = root.optional("final_classes").and_then(Field::or_null);
        let final_classes = match classes {
            Some(field) => parse_classes(&field, &labels)?,
            None => one_class_per_label(&labels),
        };
        let test_data = test_data.map(|field| filled_folder(base, &field)).transpose()?;
        root.note_unknown();
        let channels = images.iter().map(|(name, _)| name.clone()).collect();
        let info = DatasetInfo { task, modality, images: channels, labels };
        Ok(Self { info, train_data, test_data, mask, images, final_classes, remarks: Vec::new() })
    }
}

fn refuse_config(path: &Path, root: &Section) -> Result<()> {
    match root.fields().any(|(name, _)| name == "dataset_info") {
        true => Err(Error::new("this is the configuration of a run, not the description of a data set")
            .at(path)
            .hint("give the dataset.json; `mist config check FILE` checks a configuration")),
        false => Ok(()),
    }
}

/// Descriptions of the Medical Segmentation Decathlon have the same file name and look alike; the remedy is known.
fn refuse_decathlon(path: &Path, root: &Section) -> Result<()> {
    let has = |key: &str| root.fields().any(|(name, _)| name == key);
    if has("train-data") || !has("training") || !has("modality") {
        return Ok(());
    }
    let source = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Err(Error::new("this describes a data set of the Medical Segmentation Decathlon")
        .at(path)
        .because("it lists `training` cases and has no `train-data` folder")
        .hint(format!(
            "run `mist convert-msd --source {} --output FOLDER` first, then analyze FOLDER/dataset.json",
            source.display()
        )))
}

/// A folder that is there and holds something.
fn filled_folder(base: &Path, field: &Field) -> Result<PathBuf> {
    let folder = base.join(field.string()?);
    let resolved = folder.display();
    match std::fs::read_dir(&folder).map(|mut entries| entries.next().is_none()) {
        Err(error) => Err(field.refuse(format_args!("a folder that can be read; {resolved}: {error}"))),
        Ok(true) => Err(field.refuse(format_args!("a folder with cases, and {resolved} is empty"))),
        Ok(false) => Ok(folder),
    }
}

fn identifying_strings(field: &Field) -> Result<Vec<String>> {
    if field.value().is_string() {
        return Err(field.refuse(format_args!("a list of strings, such as [{}]", field.value())));
    }
    let text = |item: Field| match item.string()? {
        // An empty string is part of every name.
        "" => Err(item.refuse("a part of a file name, not empty")),
        part => Ok(part.to_owned()),
    };
    field.filled_list()?.into_iter().map(text).collect()
}

fn parse_images(field: &Field) -> Result<Vec<(String, Vec<String>)>> {
    let section = field.section()?;
    if section.is_empty() {
        return Err(field.refuse("an object with at least one channel"));
    }
    let channel = |(name, strings): (&str, Field)| {
        check_channel_name(name, &strings)?;
        Ok((name.to_owned(), identifying_strings(&strings)?))
    };
    section.fields().map(channel).collect()
}

fn parse_classes(field: &Field, labels: &[i64]) -> Result<Vec<(String, Vec<i64>)>> {
    let section = field.section()?;
    if section.is_empty() {
        return Err(field.refuse("an object with at least one class, or absent"));
    }
    let known: Vec<String> = labels.iter().filter(|label| **label != 0).map(i64::to_string).collect();
    let allowed = format!("one of the labels besides the background, {}", known.join(", "));
    let class = |(name, list): (&str, Field)| {
        let mut class: Vec<i64> = Vec::new();
        for item in list.filled_list()? {
            let label = item.integer(&allowed, |label| label != 0 && labels.contains(&label))?;
            if class.contains(&label) {
                return Err(item.refuse("a label that is not listed before in this class"));
            }
            class.push(label);
        }
        Ok((name.to_owned(), class))
    };
    section.fields().map(class).collect()
}

/// What is evaluated when the description names no classes.
fn one_class_per_label(labels: &[i64]) -> Vec<(String, Vec<i64>)> {
    labels.iter().filter(|label| **label != 0).map(|label| (format!("class_{label}"), vec![*label])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A folder with a description and one training case.
    fn folder(description: &Value) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("raw/train/a")).expect("made");
        std::fs::create_dir_all(folder.path().join("empty")).expect("made");
        let path = folder.path().join("dataset.json");
        std::fs::write(&path, json::to_text(description)).expect("written");
        (folder, path)
    }

    fn description() -> Value {
        json!({
            "task": "brain", "modality": "MR", "train-data": "raw/train", "mask": ["seg"],
            "images": {"t2": ["t2w", "T2"], "t1": ["t1"]}, "labels": [0, 1, 4],
            "final_classes": {"whole": [1, 4], "core": [4]}
        })
    }

    #[test]
    fn a_description_is_read_in_file_order() {
        let (folder, path) = folder(&description());
        let dataset = Dataset::load(&path).expect("loads");
        assert_eq!(dataset.train_data, folder.path().join("raw/train"));
        assert_eq!(dataset.test_data, None);
        assert_eq!(dataset.images[0], ("t2".into(), vec!["t2w".into(), "T2".into()]));
        assert_eq!(dataset.final_classes, [("whole".into(), vec![1, 4]), ("core".into(), vec![4])]);
        let info = DatasetInfo {
            task: "brain".into(),
            modality: Modality::Mr,
            images: vec!["t2".into(), "t1".into()],
            labels: vec![0, 1, 4],
        };
        assert_eq!(dataset.info, info);
    }

    #[test]
    fn classes_and_test_data_are_optional() {
        let mut value = description();
        value["final_classes"] = Value::Null;
        value["test-data"] = json!("raw/train");
        value["tset-data"] = json!("raw/test");
        let (folder, path) = folder(&value);
        let dataset = Dataset::load(&path).expect("loads");
        assert_eq!(dataset.final_classes, [("class_1".into(), vec![1]), ("class_4".into(), vec![4])]);
        assert_eq!(dataset.test_data, Some(folder.path().join("raw/train")));
        assert_eq!(dataset.remarks, ["`tset-data` is not a known key and has no effect; `test-data` beside it has"]);
        value.as_object_mut().expect("an object").remove("test-data");
        std::fs::write(&path, value.to_string()).expect("written");
        let remarks = Dataset::load(&path).expect("loads").remarks;
        assert_eq!(remarks, ["`tset-data` is not a known key; did you mean `test-data`?"]);
    }

    #[test]
    fn every_slip_is_named_before_any_work() {
        let edits = [
            ("modality", json!("PET")),
            ("train-data", json!("raw/trian")),
            ("train-data", json!("empty")),
            ("train-data", json!("dataset.json")),
            ("test-data", json!("raw/test")),
            ("mask", json!([])),
            ("mask", json!("seg")),
            ("mask", json!([""])),
            ("images", json!({})),
            ("images", json!({"t1": "t1"})),
            ("images", json!({"t1": [1]})),
            ("images", json!({"fold": ["fold"]})),
            ("images", json!(["t1"])),
            ("labels", json!([])),
            ("labels", json!([1, 4])),
            ("labels", json!([1, 0, 4])),
            ("labels", json!([0, 1, 1, 4])),
            ("labels", json!([0, 1, 4, 300])),
            ("labels", json!([0, 1, 4, "5"])),
            ("final_classes", json!({})),
            ("final_classes", json!({"core": []})),
            ("final_classes", json!({"core": [0]})),
            ("final_classes", json!({"core": [3]})),
            ("final_classes", json!({"core": [4, 4]})),
            ("task", Value::Null),
        ];
        let mut texts = Vec::new();
        for (key, value) in edits {
            let mut edited = description();
            edited[key] = value;
            let (folder, path) = folder(&edited);
            let error = Dataset::load(&path).expect_err(key);
            texts.push(error.to_string().replace(&folder.path().display().to_string(), "data"));
        }
        insta::assert_snapshot!(texts.join("\n"), @r#"
        `modality` is "PET" (data/dataset.json:3:3): it must be one of ct, mr, other
        `train-data` is "raw/trian" (data/dataset.json:4:3): it must be a folder that can be read; data/raw/trian: No such file or directory (os error 2)
        `train-data` is "empty" (data/dataset.json:4:3): it must be a folder with cases, and data/empty is empty
        `train-data` is "dataset.json" (data/dataset.json:4:3): it must be a folder that can be read; data/dataset.json: Not a directory (os error 20)
        `test-data` is "raw/test" (data/dataset.json:31:3): it must be a folder that can be read; data/raw/test: No such file or directory (os error 2)
        `mask` is [] (data/dataset.json:5:3): it must be a list with at least one element
        `mask` is "seg" (data/dataset.json:5:3): it must be a list of strings, such as ["seg"]
        `mask[0]` is "" (data/dataset.json:6:5): it must be a part of a file name, not empty
        `images` is {} (data/dataset.json:8:3): it must be an object with at least one channel
        `images.t1` is "t1" (data/dataset.json:9:5): it must be a list of strings, such as ["t1"]
        `images.t1[0]` is 1 (data/dataset.json:10:7): it must be a string
        `images.fold` is ["fold"] (data/dataset.json:9:5): it must be a channel name other than id, fold and mask, which name other columns
        `images` is ["t1"] (data/dataset.json:8:3): it must be an object { … }
        `labels` is [] (data/dataset.json:17:3): it must be a list with at least one element
        `labels` is [1,4] (data/dataset.json:17:3): it must be a list that starts with 0, the background
        `labels` is [1,0,4] (data/dataset.json:17:3): it must be a list that starts with 0, the background
        `labels[2]` is 1 (data/dataset.json:20:5): it must be a label that is not listed before
        `labels[3]` is 300 (data/dataset.json:21:5): it must be a label: a whole number from 0 to 255
        `labels[3]` is "5" (data/dataset.json:21:5): it must be a label: a whole number from 0 to 255
        `final_classes` is {} (data/dataset.json:22:3): it must be an object with at least one class, or absent
        `final_classes.core` is [] (data/dataset.json:23:5): it must be a list with at least one element
        `final_classes.core[0]` is 0 (data/dataset.json:24:7): it must be one of the labels besides the background, 1, 4
        `final_classes.core[0]` is 3 (data/dataset.json:24:7): it must be one of the labels besides the background, 1, 4
        `final_classes.core[1]` is 4 (data/dataset.json:25:7): it must be a label that is not listed before in this class
        `task` is null (data/dataset.json:2:3): it must be a string
        "#);
    }

    #[test]
    fn missing_keys_are_named_one_by_one() {
        for key in ["task", "modality", "train-data", "mask", "images", "labels"] {
            let mut value = description();
            value.as_object_mut().expect("an object").remove(key);
            let (_folder, path) = folder(&value);
            let text = Dataset::load(&path).expect_err(key).to_string();
            assert!(text.starts_with(&format!("`{key}` is missing (")), "{text}");
        }
    }

    #[test]
    fn background_alone_is_no_task() {
        let mut value = description();
        value["labels"] = json!([0]);
        value["final_classes"] = Value::Null;
        let (_folder, path) = folder(&value);
        let text = Dataset::load(&path).expect_err("no foreground").to_string();
        assert!(text.ends_with("it must be a list with at least one label besides 0"), "{text}");
    }
}
