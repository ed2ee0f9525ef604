//! The configuration that the published guide prints (version 2.0.0rc0) drives a run as it stands; only what would take days
//! is made smaller: patch, epochs and steps.

use crate::scans::set;
use crate::shell::Shell;
use mist_volume::{Geometry, Volume, nifti};

const SIZE: usize = 36;

/// A ball of the given radius around a centre that depends on the case.
fn inside(case: usize, index: usize, radius: f64) -> bool {
    let at = [index % SIZE, index / SIZE % SIZE, index / (SIZE * SIZE)];
    let centre = [14.0 + case as f64, 20.0 - case as f64, 18.0];
    at.iter().zip(centre).map(|(a, c)| (*a as f64 - c).powi(2)).sum::<f64>().sqrt() < radius
}

/// Six made-up patients with the guide's four sequences and the labels 0, 1, 2 and 4.
fn write_patients(shell: &Shell) {
    let geometry = Geometry::axis_aligned([SIZE; 3], [1.0; 3]);
    for case in 0..6 {
        let folder = shell.path("data/train").join(format!("patient_{case}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut mask = Volume::filled(geometry, 0u8);
        for (index, label) in mask.voxels_mut().iter_mut().enumerate() {
            *label =
                [(4.0, 4), (7.0, 1), (11.0, 2)].iter().find(|(r, _)| inside(case, index, *r)).map_or(0, |(_, l)| *l);
        }
        for (channel, name) in ["t1", "t2", "tc", "fl"].iter().enumerate() {
            let mut scan = Volume::filled(geometry, 0.0f32);
            for ((index, value), label) in scan.voxels_mut().iter_mut().enumerate().zip(mask.voxels()) {
                let texture = (index * 7919 + channel * 31) % 97;
                *value = 100.0 + f32::from(*label) * (10.0 + 20.0 * channel as f32) + texture as f32 / 10.0;
            }
            nifti::write(&folder.join(format!("{name}.nii.gz")), &scan).expect("a scan");
        }
        nifti::write(&folder.join("mask.nii.gz"), &mask).expect("a mask");
    }
    shell.write(
        "data/dataset.json",
        r#"{"task": "ivygap", "modality": "mr", "train-data": "train", "mask": ["mask"],
            "images": {"t1": ["t1"], "t2": ["t2"], "tc": ["tc"], "fl": ["fl"]}, "labels": [0, 1, 2, 4],
            "final_classes": {"wt": [1, 2, 4], "tc": [1, 4], "et": [4]}}"#,
    );
}

#[test]
fn the_configuration_of_the_guide_trains_and_predicts() {
    let shell = Shell::new();
    write_patients(&shell);
    shell.mist("analyze --data data/dataset.json").exits(0);
    let guide = include_str!("../../../../tests/golden/config/release_2.0.0rc0.json");
    shell.write("results/config.json", guide);
    shell.mist("preprocess --results results").exits(0);
    set(&shell, r#""min_steps_per_epoch": 250"#, r#""min_steps_per_epoch": 2"#);
    shell.mist("train --patch-size 32 32 32 --epochs 1 --warmup-epochs 0 --folds 0").exits(0);
    shell.write(
        "paths.csv",
        "id,fl,t1,t2,tc\nnew,data/train/patient_1/fl.nii.gz,data/train/patient_1/t1.nii.gz,\
         data/train/patient_1/t2.nii.gz,data/train/patient_1/tc.nii.gz\n",
    );
    shell
        .mist("predict --models-dir results/models --config results/config.json --paths-csv paths.csv --output out")
        .exits(0);
    let prediction = nifti::read(&shell.path("out/new.nii.gz")).expect("a prediction");
    assert_eq!(prediction.size(), [SIZE; 3]);
    assert!(
        prediction.voxels().iter().all(|label| [0.0, 1.0, 2.0, 4.0].contains(label)),
        "labels of the data set, not classes"
    );
}
