//! A results folder with a case of every kind, for the tests of what shows cases.

use super::catalogue::Catalogue;
use crate::config::{
    Config, CtNormalization, DatasetInfo, Evaluation, EvaluationClass, Modality, Preprocessing, SpatialConfig,
};
use mist_volume::{Geometry, Volume, nifti};
use std::path::Path;

/// An id that would be markup, were it not text.
pub(crate) const HOSTILE: &str = "<img src=x onerror=alert(1)>\"&'";

pub(crate) fn config() -> Config {
    let dataset_info =
        DatasetInfo { task: "livers".into(), modality: Modality::Ct, images: vec!["ct".into()], labels: vec![0, 1, 4] };
    let preprocessing = Preprocessing {
        skip: false,
        crop_to_foreground: true,
        median_resampled_image_size: [4, 3, 2],
        normalize_with_nonzero_mask: false,
        ct_normalization: CtNormalization {
            window_min: Some(-100.0),
            window_max: Some(200.0),
            z_score_mean: Some(50.0),
            z_score_std: Some(30.0),
        },
        compute_dtms: false,
        normalize_dtms: true,
    };
    let spatial = SpatialConfig { patch_size: [4, 3, 2], target_spacing: [1.0; 3] };
    let classes = vec![
        EvaluationClass::with_default_metrics("liver", vec![1]),
        EvaluationClass::with_default_metrics("all", vec![1, 4]),
    ];
    Config::new(dataset_info, spatial, preprocessing, Evaluation { classes })
}

/// Writes a volume of 4 x 3 x 2 voxels; `values` are those of the first ones, the others are 0.
pub(crate) fn write(path: &Path, values: &[f32]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut values = values.iter().copied();
    let volume = Volume::from_fn(Geometry::axis_aligned([4, 3, 2], [1.0; 3]), |_| values.next().unwrap_or(0.0));
    nifti::write(path, &volume).unwrap();
}

/// A folder with the files of a run, and the catalogue of it.
pub(crate) fn run() -> (tempfile::TempDir, Catalogue) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut train = String::from("id,fold,mask,ct\n");
    for (id, fold) in [("good", 0), ("bad", 1), (HOSTILE, 0), ("no_scan", 0), ("untrained", 2)] {
        let (scan, mask) = (at(&format!("scans/{id}.nii.gz")), at(&format!("masks/{id}.nii.gz")));
        if id != "no_scan" {
            write(&scan, &[1.0, 2.0, 3.5]);
        }
        write(&mask, &[1.0, 1.0, 4.0]);
        if id != "untrained" {
            write(&at(&format!("predictions/train/raw/{id}.nii.gz")), &[1.0, 0.0, 4.0, 7.0]);
        }
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        train += &format!(
            "{},{fold},{},{}\n",
            quoted(id),
            quoted(&mask.display().to_string()),
            quoted(&scan.display().to_string())
        );
    }
    std::fs::write(at("train_paths.csv"), train).unwrap();
    let hostile = HOSTILE.replace('"', "\"\"");
    let scores = format!(
        "id,liver_dice,liver_haus95,all_dice,all_lesion_wise_dice\ngood,1.0,0.0,0.8,0\nbad,0.25,9.0,,0\n\
         \"{hostile}\",0.5,2.0,0.7,0\nno_scan,0.5,2.0,0.5,0\nMean,0.5,2,0.6,0\nStd,0,0,0,0\n"
    );
    std::fs::write(at("results.csv"), scores).unwrap();
    std::fs::write(at("left_out.csv"), "id,stage,file,reason\nbroken,reading,/x.nii.gz,it ends early\n").unwrap();
    write(&at("scans/new.nii.gz"), &[1.0]);
    write(&at("predictions/test/new.nii.gz"), &[1.0]);
    std::fs::write(at("test_paths.csv"), format!("id,ct\nnew,{}\n", at("scans/new.nii.gz").display())).unwrap();
    let catalogue = Catalogue::read(folder.path(), &config()).unwrap();
    (folder, catalogue)
}
