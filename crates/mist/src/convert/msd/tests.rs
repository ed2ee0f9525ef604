use super::*;
use crate::console::Silent;
use crate::convert::Link;
use crate::convert::testing::{Recorder, files_below, geometry, image, is_one_file, target};
use crate::dataset::Dataset;
use crate::error::Kind;
use crate::json;
use mist_volume::nifti::{self, Datatype};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

mod description;
mod failures;

/// A source and an output folder side by side.
struct Folders {
    root: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let folders = Self { root: tempfile::tempdir().expect("a folder") };
        for folder in ["imagesTr", "labelsTr"] {
            fs::create_dir_all(folders.source().join(folder)).expect("made");
        }
        folders
    }

    fn source(&self) -> PathBuf {
        self.root.path().join("source")
    }

    fn output(&self) -> PathBuf {
        self.root.path().join("output")
    }

    fn describe(&self, description: &Value) {
        fs::write(self.source().join("dataset.json"), description.to_string()).expect("written");
    }

    fn image(&self, name: &str, size: [usize; 3], seed: i16) {
        image(&self.source().join(name), size, seed);
    }

    fn options(&self) -> Options {
        Options { source: self.source(), target: target(self.output()) }
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
}

/// A 4D image, uncompressed: volume j is a 3D image with seed 100·j.
fn series(path: &Path, size: [usize; 3], volumes: i16, slope: Option<f32>) {
    let mut bytes = Vec::new();
    for volume in 0..volumes {
        image(path, size, 100 * volume);
        let written = fs::read(path).expect("reads");
        // A header of 348 bytes, and four that say that there is no extension.
        bytes.extend_from_slice(if volume == 0 { &written } else { &written[352..] });
    }
    bytes[40..42].copy_from_slice(&4i16.to_le_bytes());
    bytes[48..50].copy_from_slice(&volumes.to_le_bytes());
    if let Some(slope) = slope {
        bytes[112..116].copy_from_slice(&slope.to_le_bytes());
    }
    fs::write(path, bytes).expect("written");
}

fn one_channel(training: Value) -> Value {
    json!({
        "name": "Lung", "modality": {"0": "CT"}, "labels": {"0": "background", "1": "lung tumour"}, "training": training
    })
}

#[test]
fn images_are_copied_byte_for_byte_and_compressed_where_they_are_not() {
    let folders = Folders::new();
    fs::create_dir(folders.source().join("imagesTs")).expect("made");
    folders.image("imagesTr/lung.1.5mm.nii.gz", [4, 3, 2], 7);
    folders.image("labelsTr/lung.1.5mm.nii", [4, 3, 2], 0);
    folders.image("imagesTs/t1.nii.gz", [2, 2, 2], 1);
    folders.image("imagesTs/t2.nii", [2, 2, 2], 2);
    let mut description = one_channel(json!([{"image": "./imagesTr/lung.1.5mm.nii.gz", "label": "ignored"}]));
    description["test"] = json!(["./imagesTs/t1.nii.gz", {"image": "imagesTs/t2.nii"}, "./imagesTs/._t1.nii.gz"]);
    folders.describe(&description);
    let console = Recorder::default();
    assert_eq!(folders.convert_with(&console).expect("converts"), []);
    assert_eq!(
        folders.written(),
        [
            "dataset.json",
            "raw/test/t1/CT.nii.gz",
            "raw/test/t2/CT.nii.gz",
            "raw/train/lung.1.5mm/CT.nii.gz",
            "raw/train/lung.1.5mm/mask.nii.gz",
        ]
    );
    let source = folders.source().join("imagesTr/lung.1.5mm.nii.gz");
    let target = folders.output().join("raw/train/lung.1.5mm/CT.nii.gz");
    assert_eq!(fs::read(&source).expect("reads"), fs::read(&target).expect("reads"));
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).expect("a time");
    assert_eq!(modified(&source), modified(&target));
    let mask = folders.output().join("raw/train/lung.1.5mm/mask.nii.gz");
    assert_eq!(fs::read(&mask).expect("reads")[..2], [0x1f, 0x8b]);
    let original = nifti::read(&folders.source().join("labelsTr/lung.1.5mm.nii")).expect("reads");
    assert_eq!(nifti::read(&mask).expect("reads"), original);
    assert_eq!(console.warnings(), ["1 entries with hidden file names, as some systems leave behind, are ignored"]);
}

#[test]
fn a_4d_image_becomes_one_file_per_channel() {
    let folders = Folders::new();
    for (id, slope) in [("a", None), ("b", Some(0.5))] {
        series(&folders.source().join(format!("imagesTr/{id}.nii")), [4, 3, 2], 3, slope);
        folders.image(&format!("labelsTr/{id}.nii.gz"), [4, 3, 2], 0);
    }
    // Listed out of order, and not all of the volumes.
    folders.describe(&json!({
        "name": "Brain", "modality": {"2": "T2", "0": "FLAIR"}, "labels": {"0": "background", "1": "tumour"},
        "training": ["imagesTr/a.nii.gz", "imagesTr/b.nii.gz"]
    }));
    assert_eq!(folders.convert().expect("converts"), []);
    let channel = |id: &str, name: &str| folders.output().join(format!("raw/train/{id}/{name}.nii.gz"));
    let voxels = |path: &Path| nifti::read(path).expect("reads").into_parts();
    let expected = |seed: f32, slope: f32| (0..24).map(|voxel| (voxel as f32 * 3.0 + seed) * slope).collect::<Vec<_>>();
    assert_eq!(voxels(&channel("a", "FLAIR")), (geometry([4, 3, 2]), expected(0.0, 1.0)));
    assert_eq!(voxels(&channel("a", "T2")), (geometry([4, 3, 2]), expected(200.0, 1.0)));
    assert_eq!(voxels(&channel("b", "T2")), (geometry([4, 3, 2]), expected(200.0, 0.5)));
    let datatype = |path: &Path| nifti::read_header(path).expect("reads").datatype;
    assert_eq!(datatype(&channel("a", "T2")), Datatype::I16, "the type of the source");
    assert_eq!(datatype(&channel("b", "T2")), Datatype::F32, "halves do not fit into whole numbers");
    let dataset = Dataset::load(&folders.output().join("dataset.json")).expect("analysis accepts it");
    assert_eq!(dataset.info.images, ["T2", "FLAIR"], "channels are in file order");
}

#[test]
fn an_output_that_is_not_empty_is_refused() {
    let folders = Folders::new();
    folders.image("imagesTr/a.nii.gz", [4, 3, 2], 1);
    folders.image("labelsTr/a.nii.gz", [4, 3, 2], 0);
    folders.describe(&one_channel(json!(["a.nii.gz"])));
    fs::create_dir_all(folders.output().join("raw/train/a")).expect("made");
    fs::create_dir_all(folders.output().join("raw/train/old")).expect("made");
    fs::write(folders.output().join("raw/train/a/stale.txt"), b"").expect("written");
    let error = folders.convert().expect_err("not empty");
    assert!(error.to_string().starts_with("the output folder is not empty ("), "{error}");
    assert_eq!(folders.written(), ["raw/train/a/stale.txt"]);

    let console = Recorder::default();
    let mut options = folders.options();
    options.target.overwrite = true;
    run(&options, &mist_nn::Registry::builtin(), &console).expect("converts");
    assert_eq!(folders.written(), ["dataset.json", "raw/train/a/CT.nii.gz", "raw/train/a/mask.nii.gz"]);
    let warnings = console.warnings();
    assert!(
        warnings[0].ends_with("holds 1 other cases, such as old; remove what does not belong there"),
        "{warnings:?}"
    );

    options.target.output = folders.source().join("../source");
    let error = run(&options, &mist_nn::Registry::builtin(), &Silent).expect_err("the source");
    assert_eq!(error.kind(), Kind::Usage);
}

#[test]
fn hard_links_take_no_space_and_what_is_not_compressed_still_gets_compressed() {
    let folders = Folders::new();
    folders.image("imagesTr/a.nii.gz", [4, 3, 2], 1);
    folders.image("labelsTr/a.nii", [4, 3, 2], 0);
    folders.describe(&one_channel(json!(["a"])));
    let mut options = folders.options();
    options.target.link = Link::Hard;
    assert_eq!(run(&options, &mist_nn::Registry::builtin(), &Silent).expect("converts"), []);
    assert_eq!(folders.written(), ["dataset.json", "raw/train/a/CT.nii.gz", "raw/train/a/mask.nii.gz"]);
    let case = folders.output().join("raw/train/a");
    assert!(is_one_file(&folders.source().join("imagesTr/a.nii.gz"), &case.join("CT.nii.gz")));
    assert_eq!(fs::read(case.join("mask.nii.gz")).expect("reads")[..2], [0x1f, 0x8b]);
    // The source keeps its own when the case is replaced.
    options.target = Target { link: Link::Copy, overwrite: true, ..options.target };
    assert_eq!(run(&options, &mist_nn::Registry::builtin(), &Silent).expect("converts"), []);
    assert!(!is_one_file(&folders.source().join("imagesTr/a.nii.gz"), &case.join("CT.nii.gz")));
}

/// All 200 cases of the public hippocampus task.
#[test]
fn the_hippocampus_task_converts() {
    let data = std::env::var_os("MIST_TEST_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let source = data.join("Task04_Hippocampus");
    if !source.is_dir() {
        println!("skipped: no {}", source.display());
        return;
    }
    let output = tempfile::tempdir().expect("a folder");
    let options = Options { source: source.clone(), target: target(output.path().to_owned()) };
    assert_eq!(run(&options, &mist_nn::Registry::builtin(), &Silent).expect("converts"), []);
    let text = fs::read_to_string(output.path().join("dataset.json")).expect("reads");
    let expected = json!({
        "task": "Hippocampus", "modality": "mr", "train-data": "raw/train", "test-data": "raw/test",
        "mask": ["mask.nii.gz"], "images": {"MRI": ["MRI.nii.gz"]}, "labels": [0, 1, 2],
        "final_classes": {"Anterior": [1], "Posterior": [2]}
    });
    assert_eq!(text, json::to_text(&expected));
    Dataset::load(&output.path().join("dataset.json")).expect("analysis accepts it");
    for (images, converted, count) in [("imagesTr", "train", 180), ("imagesTs", "test", 20)] {
        let folders: Vec<_> =
            fs::read_dir(output.path().join("raw").join(converted)).expect("reads").flatten().collect();
        assert_eq!(folders.len(), count);
        for folder in folders {
            let id = folder.file_name().to_string_lossy().into_owned();
            let original = fs::read(source.join(images).join(format!("{id}.nii.gz"))).expect("reads");
            assert_eq!(fs::read(folder.path().join("MRI.nii.gz")).expect("reads"), original, "{id}");
        }
    }
}
