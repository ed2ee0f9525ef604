//! What is odd about a scan or its segmentation: said, and written down, though the work goes on.

use crate::config::CtWindow;
use crate::model_record::{ScanRange, extent};
use crate::preprocess::PreprocessedCase;
use mist_volume::orientation::standard_geometry;
use mist_volume::{Geometry, Volume};

/// How far beyond the range of the training scans a spacing or size may be before it is remarked on.
const MARGIN: f64 = 1.5;
/// Where the training scans are not known: how far the spacing may be from that of the network's grid.
const USUAL_RATIO: f64 = 3.0;
/// Share of the voxels outside the window of CT from which the scan is hardly one in Hounsfield units.
const MOST_OUTSIDE: f64 = 0.98;

const AXES: [&str; 3] = ["left-right", "front-back", "head-foot"];

/// Remarks on the grid of a scan: voxels or size unlike those of the training scans.
pub fn of_grid(grid: &Geometry, target_spacing: [f64; 3], scans: Option<ScanRange>) -> Vec<String> {
    let grid = standard_geometry(grid);
    let Some(ScanRange { spacing_mm, extent_mm }) = scans else {
        return (0..3).filter_map(|axis| far_from_target(grid.spacing[axis], target_spacing[axis], axis)).collect();
    };
    let spacings =
        (0..3).filter_map(|axis| beyond("voxel spacing", grid.spacing[axis], bounds(spacing_mm, axis), axis));
    let extents = (0..3).filter_map(|axis| beyond("size", extent(&grid)[axis], bounds(extent_mm, axis), axis));
    spacings.chain(extents).collect()
}

fn bounds([least, most]: [[f64; 3]; 2], axis: usize) -> [f64; 2] {
    [least[axis], most[axis]]
}

fn far_from_target(spacing: f64, target: f64, axis: usize) -> Option<String> {
    let far = spacing > target * USUAL_RATIO || spacing < target / USUAL_RATIO;
    far.then(|| {
        format!("the voxel spacing {} is {spacing:.2} mm, that of the network's grid {target:.2} mm", AXES[axis])
    })
}

fn beyond(what: &str, value: f64, [least, most]: [f64; 2], axis: usize) -> Option<String> {
    let far = value > most * MARGIN || value < least / MARGIN;
    far.then(|| format!("the {what} {} is {value:.2} mm, in the training scans {least:.2} to {most:.2} mm", AXES[axis]))
}

/// Remarks on the intensities of a preprocessed scan. `window`: that of CT, where it was applied.
pub fn of_intensities(case: &PreprocessedCase, window: Option<&CtWindow>) -> Vec<String> {
    let remark = |channel: usize| {
        let name = if case.channels == 1 { String::new() } else { format!(" of image {}", channel + 1) };
        let values = || case.image.iter().skip(channel).step_by(case.channels);
        if let Some(window) = window {
            let share = values().filter(|value| is_clipped(**value, window)).count() as f64 / values().count() as f64;
            if share > MOST_OUTSIDE {
                return Some(format!(
                    "{:.1} % of the voxels{name} lie outside the intensities of the training scans, {} to {}: are they \
                     Hounsfield units?",
                    100.0 * share,
                    window.window_min,
                    window.window_max
                ));
            }
        }
        let first = values().next();
        values().all(|value| Some(value) == first).then(|| format!("all voxels{name} are alike"))
    };
    (0..case.channels).filter_map(remark).collect()
}

/// Whether an intensity was at an end of the window, or beyond, before it was normalized.
fn is_clipped(value: f32, window: &CtWindow) -> bool {
    let bounds = [window.window_min, window.window_max];
    bounds.iter().any(|bound| (f64::from(value) * window.z_score_std + window.z_score_mean - bound).abs() < 1e-2)
}

/// A remark on a segmentation without a single labelled voxel.
pub fn of_labels(labels: &Volume<u8>) -> Option<String> {
    labels
        .voxels()
        .iter()
        .all(|label| *label == 0)
        .then(|| "the segmentation is empty: all voxels are background".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_volume::Geometry;

    fn case(image: Vec<f32>, channels: usize) -> PreprocessedCase {
        let size = [image.len() / channels, 1, 1];
        let original_geometry = Geometry::axis_aligned(size, [1.0; 3]);
        PreprocessedCase {
            image,
            channels,
            size,
            spacing: [1.0; 3],
            labels: None,
            distance_maps: None,
            bounding_box: None,
            original_geometry,
        }
    }

    #[test]
    fn grids_are_compared_with_those_of_training_or_else_of_the_network() {
        let grid = |spacing| Geometry::axis_aligned([100, 100, 10], spacing);
        let usual = grid([1.0, 1.0, 5.0]);
        assert!(of_grid(&usual, [1.0, 1.0, 2.0], None).is_empty());
        assert_eq!(
            of_grid(&grid([1.0, 1.0, 9.0]), [1.0, 1.0, 2.0], None),
            ["the voxel spacing head-foot is 9.00 mm, that of the network's grid 2.00 mm"]
        );
        let scans = ScanRange::of([usual]);
        assert!(of_grid(&grid([1.2, 0.8, 4.0]), [1.0; 3], scans).is_empty());
        let remarks = of_grid(&grid([1.0, 0.1, 5.0]), [1.0; 3], scans);
        assert_eq!(remarks.len(), 2, "{remarks:?}");
        assert!(remarks[1].starts_with("the size front-back is 10.00 mm, in the training scans 100.00"), "{remarks:?}");
    }

    #[test]
    fn scans_without_contrast_or_in_other_units_are_odd() {
        assert!(of_intensities(&case(vec![0.0, 1.0, 0.5, 2.0], 2), None).is_empty());
        assert_eq!(of_intensities(&case(vec![0.0, 1.0, 0.0, 2.0], 2), None), ["all voxels of image 1 are alike"]);
        let window = CtWindow { window_min: -100.0, window_max: 300.0, z_score_mean: 50.0, z_score_std: 100.0 };
        assert!(of_intensities(&case(vec![-1.5, 0.1, 2.5, 0.3], 1), Some(&window)).is_empty());
        let remarks = of_intensities(&case(vec![-1.5, -1.5, 2.5], 1), Some(&window));
        assert!(remarks[0].starts_with("100.0 % of the voxels lie outside"), "{remarks:?}");
    }

    #[test]
    fn empty_segmentations_are_odd() {
        let labels = |labels| Volume::new(Geometry::axis_aligned([2, 1, 1], [1.0; 3]), labels).unwrap();
        assert!(of_labels(&labels(vec![0, 0])).is_some());
        assert!(of_labels(&labels(vec![0, 3])).is_none());
    }
}
