//! Masks of real size. Prints the time that each takes (`--nocapture`).

use mist_metrics::metric::{self, Settings};
use mist_metrics::{Comparison, Segmentation};
use mist_volume::distance::Lattice;
use mist_volume::nifti;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn data() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var_os("MIST_TEST_DATA").map_or(beside, PathBuf::from)
}

/// The image moved by `steps` voxels along x; background enters.
fn shifted(voxels: &[f32], nx: usize, steps: usize) -> Vec<f32> {
    let mut moved = vec![0.0; voxels.len()];
    for (to, from) in moved.chunks_mut(nx).zip(voxels.chunks(nx)) {
        to[steps..].copy_from_slice(&from[..nx - steps]);
    }
    moved
}

#[test]
fn a_shifted_kidney_is_as_far_away_as_it_was_shifted() {
    let folder = data().join("kits19_masks");
    for name in ["case_00002.nii.gz", "case_00017.nii.gz", "case_00021.nii.gz"] {
        let path = folder.join(name);
        if !path.exists() {
            println!("skipped: {} is not there", path.display());
            continue;
        }
        let start = Instant::now();
        let mask = nifti::read(&path).unwrap();
        let read = start.elapsed();
        let (size, spacing) = (mask.geometry().size, mask.geometry().spacing);
        let shift = 2;
        let moved = shifted(mask.voxels(), size[0], shift);

        let start = Instant::now();
        let grid = Lattice::new(size, spacing).unwrap();
        let labels = [1, 2];
        let truth = Segmentation::new(mask.voxels(), grid, &labels).unwrap();
        let prediction = Segmentation::new(&moved, grid, &labels).unwrap();
        let reduced = start.elapsed();
        println!("{name}: {size:?} voxels, read in {read:.2?}, reduced in {reduced:.2?}");
        for class in [&labels[..], &labels[1..]] {
            let start = Instant::now();
            let comparison = Comparison::of_class(&truth, &prediction, class).unwrap();
            let crop = comparison.grid().size();
            let score = |name| metric::find(name).unwrap().score(&comparison, &Settings::default());
            let dice = score("dice").value;
            let cropped = start.elapsed();
            let start = Instant::now();
            let (haus95, average) = (score("haus95").value, score("avg_surf").value);
            let surfaces = start.elapsed();
            let start = Instant::now();
            let lesion_wise = score("lesion_wise_dice").value;
            let lesions = start.elapsed();
            println!(
                "  labels {class:?}: box {crop:?}; Dice {dice:.4} in {cropped:.2?}, HD95 {haus95:.3} mm and mean {average:.3} \
                 mm in {surfaces:.2?}, lesion-wise Dice {lesion_wise:.4} in {lesions:.2?}"
            );
            let distance = shift as f64 * spacing[0];
            assert!(haus95 > 0.0 && haus95 <= distance + 1e-9, "{haus95} mm after a shift of {distance} mm");
            assert!(average > 0.0 && average <= haus95);
            assert!(dice > 0.3 && dice < 1.0);
        }
    }
}
