//! The real scans that come with the program: 24 cases of the Medical Segmentation Decathlon's hippocampus task, in its
//! layout (see `assets/hippocampus/ATTRIBUTION.md`).

use crate::error::Result;
use crate::files::{create_folder, write_atomically};
use crate::json;
use serde_json::json;
use std::path::Path;

/// A compressed scan and its label map.
struct Case {
    id: &'static str,
    image: &'static [u8],
    label: &'static [u8],
}

macro_rules! cases {
    ($images:literal, $labels:literal, [$($id:literal),* $(,)?]) => {
        &[$(Case {
            id: $id,
            image: include_bytes!(concat!("../../assets/hippocampus/", $images, "/", $id, ".nii.gz")),
            label: include_bytes!(concat!("../../assets/hippocampus/", $labels, "/", $id, ".nii.gz")),
        }),*]
    };
}

const TRAINING: &[Case] = cases!(
    "imagesTr",
    "labelsTr",
    [
        "hippocampus_015",
        "hippocampus_036",
        "hippocampus_057",
        "hippocampus_088",
        "hippocampus_104",
        "hippocampus_130",
        "hippocampus_146",
        "hippocampus_166",
        "hippocampus_188",
        "hippocampus_205",
        "hippocampus_226",
        "hippocampus_236",
        "hippocampus_257",
        "hippocampus_279",
        "hippocampus_295",
        "hippocampus_314",
        "hippocampus_328",
        "hippocampus_349",
        "hippocampus_368",
        "hippocampus_387",
    ]
);

const TEST: &[Case] =
    cases!("imagesTs", "labelsTs", ["hippocampus_037", "hippocampus_093", "hippocampus_160", "hippocampus_304"]);

const ATTRIBUTION: &str = include_str!("../../assets/hippocampus/ATTRIBUTION.md");

/// Writes the scans below `folder` in the layout of the Decathlon: `imagesTr`, `labelsTr`, `imagesTs`, `dataset.json`.
/// The true masks of the test cases go to `labelsTs`, which the public data set does not have.
pub(super) fn write(folder: &Path) -> Result<()> {
    for (cases, images, labels) in [(TRAINING, "imagesTr", "labelsTr"), (TEST, "imagesTs", "labelsTs")] {
        create_folder(&folder.join(images))?;
        create_folder(&folder.join(labels))?;
        for case in cases {
            let name = format!("{}.nii.gz", case.id);
            write_atomically(&folder.join(images).join(&name), case.image)?;
            write_atomically(&folder.join(labels).join(&name), case.label)?;
        }
    }
    write_atomically(&folder.join("ATTRIBUTION.md"), ATTRIBUTION.as_bytes())?;
    let image = |folder: &str, case: &Case| format!("./{folder}/{}.nii.gz", case.id);
    let training: Vec<_> = TRAINING
        .iter()
        .map(|case| json!({"image": image("imagesTr", case), "label": image("labelsTr", case)}))
        .collect();
    let test: Vec<_> = TEST.iter().map(|case| image("imagesTs", case)).collect();
    let description = json!({
        "name": "Hippocampus",
        "description": "24 cases of the hippocampus task, anterior and posterior",
        "reference": "Vanderbilt University Medical Center",
        "licence": "CC-BY-SA 4.0",
        "tensorImageSize": "3D",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
        "numTraining": TRAINING.len(),
        "numTest": TEST.len(),
        "training": training,
        "test": test,
    });
    write_atomically(&folder.join("dataset.json"), json::to_text(&description).as_bytes())
}
