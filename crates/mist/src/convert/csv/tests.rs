use super::*;
use crate::console::Silent;
use crate::convert::Link;
use crate::convert::testing::{Recorder, files_below, image, is_one_file, target};
use crate::dataset::Dataset;
use crate::error::Kind;
use crate::json;
use mist_volume::nifti;
use serde_json::{Value, json};
use std::fs;

mod cells;
mod failures;
mod kept;
mod tables;

/// A folder with tables and scans, and an output folder beside it.
struct Folders {
    root: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let folders = Self { root: tempfile::tempdir().expect("a folder") };
        fs::create_dir_all(folders.path("data/scans")).expect("made");
        folders
    }

    /// With the files of the cases `a` and `b`: `scans/<id>_{mask,t1,t2}.nii.gz`.
    fn with_scans() -> Self {
        let folders = Self::new();
        for (seed, id) in ["a", "b"].into_iter().enumerate() {
            for name in ["mask", "t1", "t2"] {
                folders.image(&format!("scans/{id}_{name}.nii.gz"), [4, 3, 2], seed as i16);
            }
        }
        folders
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn output(&self) -> PathBuf {
        self.path("output")
    }

    fn image(&self, name: &str, size: [usize; 3], seed: i16) {
        image(&self.path("data").join(name), size, seed);
    }

    fn table(&self, name: &str, lines: &[&str]) {
        fs::write(self.path("data").join(name), lines.join("\n")).expect("written");
    }

    fn options(&self) -> Options {
        let test = self.path("data/test.csv");
        Options {
            train_csv: self.path("data/train.csv"),
            test_csv: test.is_file().then_some(test),
            target: target(self.output()),
        }
    }

    fn convert(&self) -> Result<Vec<CaseFailure>> {
        self.convert_with(&Silent)
    }

    fn convert_with(&self, console: &dyn Console) -> Result<Vec<CaseFailure>> {
        run(&self.options(), &mist_nn::Registry::builtin(), console)
    }

    fn written(&self) -> Vec<String> {
        files_below(&self.output())
    }

    /// A text of the program, without what differs from run to run.
    fn plain(&self, text: &str) -> String {
        let here = std::env::current_dir().expect("a folder").display().to_string();
        text.replace(&self.root.path().display().to_string(), "ROOT").replace(&here, "HERE")
    }

    fn error(&self) -> String {
        self.plain(&self.convert().expect_err("an error").to_string())
    }
}

/// One line per failure.
fn listed(failures: &[CaseFailure]) -> String {
    failures.iter().map(CaseFailure::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn tables_become_folders_and_a_description_with_open_ends() {
    let folders = Folders::new();
    for (name, size) in [("mask.nii", [4, 3, 2]), ("post.nii.gz", [4, 3, 2]), ("t2.nii", [4, 3, 2])] {
        folders.image(&format!("scans/{name}"), size, name.len() as i16);
    }
    let elsewhere = folders.path("elsewhere.nii.gz");
    image(&elsewhere, [2, 2, 2], 5);
    folders.table("train.csv", &["id,mask,T1 post,2-T2", "001,scans/mask.nii,scans/post.nii.gz,scans/t2.nii"]);
    let row = format!("1.10,{0},{0}", elsewhere.display());
    folders.table("test.csv", &["id,2-T2,T1 post", &row]);
    let console = Recorder::default();
    assert_eq!(folders.convert_with(&console).expect("converts"), []);
    assert_eq!(
        folders.written(),
        [
            "dataset.json",
            "raw/test/1.10/2-T2.nii.gz",
            "raw/test/1.10/T1 post.nii.gz",
            "raw/train/001/2-T2.nii.gz",
            "raw/train/001/T1 post.nii.gz",
            "raw/train/001/mask.nii.gz",
        ]
    );
    let case = folders.output().join("raw/train/001");
    let bytes = |path: &Path| fs::read(path).expect("reads");
    assert_eq!(bytes(&case.join("T1 post.nii.gz")), bytes(&folders.path("data/scans/post.nii.gz")));
    for (source, made) in [("mask.nii", "mask.nii.gz"), ("t2.nii", "2-T2.nii.gz")] {
        assert_eq!(bytes(&case.join(made))[..2], [0x1f, 0x8b], "{made} is compressed");
        let original = nifti::read(&folders.path("data/scans").join(source)).expect("reads");
        assert_eq!(nifti::read(&case.join(made)).expect("reads"), original);
    }

    let path = folders.output().join("dataset.json");
    let text = fs::read_to_string(&path).expect("reads");
    let expected = json!({
        "task": null, "modality": null, "train-data": "raw/train", "test-data": "raw/test", "mask": ["mask.nii.gz"],
        "images": {"T1 post": ["T1 post.nii.gz"], "2-T2": ["2-T2.nii.gz"]}, "labels": null, "final_classes": null
    });
    assert_eq!(text, json::to_text(&expected));
    let said = console.others();
    assert!(said.contains(&text), "{said:?}");
    assert!(said.iter().any(|text| text.contains("replace null in")), "{said:?}");
    let error = Dataset::load(&path).expect_err("analysis wants the open ends filled in");
    assert!(error.to_string().starts_with("`task` is null"), "{error}");

    let mut filled: Value = serde_json::from_str(&text).expect("JSON");
    (filled["task"], filled["modality"], filled["labels"]) = (json!("brain"), json!("mr"), json!([0, 1]));
    fs::write(&path, filled.to_string()).expect("written");
    let dataset = Dataset::load(&path).expect("analysis accepts it");
    assert_eq!(dataset.info.images, ["T1 post", "2-T2"], "channels are in the order of the training table");
    assert_eq!(dataset.final_classes, [("class_1".into(), vec![1])]);
}

#[test]
fn without_test_cases_the_description_names_no_test_data() {
    let folders = Folders::with_scans();
    folders.table("train.csv", &["id,mask,t1", "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz"]);
    let described = || {
        let text = fs::read_to_string(folders.output().join("dataset.json")).expect("reads");
        serde_json::from_str::<Value>(&text).expect("JSON")
    };
    folders.convert().expect("converts");
    assert_eq!(described().get("test-data"), None);

    fs::remove_dir_all(folders.output()).expect("removed");
    folders.table("test.csv", &["id,t1"]);
    let console = Recorder::default();
    folders.convert_with(&console).expect("converts");
    assert_eq!(described().get("test-data"), None, "an empty folder of test data would stop analysis");
    let warnings = folders.plain(&console.warnings().join("\n"));
    assert_eq!(warnings, "ROOT/data/test.csv lists no case; the description names no test data");
}

#[test]
fn an_output_that_is_not_empty_is_refused() {
    let folders = Folders::with_scans();
    folders.table("train.csv", &["id,mask,t1", "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz"]);
    fs::create_dir_all(folders.output().join("raw/train/a")).expect("made");
    fs::create_dir_all(folders.output().join("raw/train/b")).expect("made");
    fs::write(folders.output().join("raw/train/a/stale.txt"), b"").expect("written");
    assert_eq!(folders.error(), "the output folder is not empty (ROOT/output)");
    assert_eq!(folders.written(), ["raw/train/a/stale.txt"]);

    let mut options = folders.options();
    options.target.overwrite = true;
    let console = Recorder::default();
    run(&options, &mist_nn::Registry::builtin(), &console).expect("converts");
    assert_eq!(folders.written(), ["dataset.json", "raw/train/a/mask.nii.gz", "raw/train/a/t1.nii.gz"]);
    assert!(console.warnings()[0].ends_with("such as b; remove what does not belong there"));
}

#[test]
fn files_that_would_be_replaced_cannot_be_sources() {
    let folders = Folders::with_scans();
    folders.table("train.csv", &["id,mask,t1", "a,scans/a_mask.nii.gz,scans/a_t1.nii.gz"]);
    folders.convert().expect("converts");
    let before = folders.written();
    let converted = "../output/raw/train/a";
    folders.table("train.csv", &["id,mask,t2", &format!("a,{converted}/mask.nii.gz,{converted}/t1.nii.gz")]);
    let mut options = folders.options();
    options.target.overwrite = true;
    let error = run(&options, &mist_nn::Registry::builtin(), &Silent).expect_err("its own sources");
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.to_string().starts_with("a source file lies where the converted cases are written"), "{error}");
    assert_eq!(folders.written(), before);
}

#[test]
fn hard_links_take_no_space_and_what_is_not_compressed_still_gets_compressed() {
    let folders = Folders::with_scans();
    folders.image("scans/a_mask.nii", [4, 3, 2], 0);
    folders.table("train.csv", &["id,mask,t1", "a,scans/a_mask.nii,scans/a_t1.nii.gz"]);
    let mut options = folders.options();
    options.target.link = Link::Hard;
    assert_eq!(run(&options, &mist_nn::Registry::builtin(), &Silent).expect("converts"), []);
    let case = folders.output().join("raw/train/a");
    assert_eq!(files_below(&case), ["mask.nii.gz", "t1.nii.gz"]);
    assert!(is_one_file(&folders.path("data/scans/a_t1.nii.gz"), &case.join("t1.nii.gz")));
    assert_eq!(fs::read(case.join("mask.nii.gz")).expect("reads")[..2], [0x1f, 0x8b]);
}
