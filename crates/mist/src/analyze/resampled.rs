//! How large the cases become once they are cropped and resampled.

use super::scan::CaseFacts;
use super::statistics::{mean, median};
use crate::memory::Allowance;
use crate::preprocess::budget;
use mist_volume::Geometry;
use mist_volume::orientation::standard_geometry;
use mist_volume::resample::resampled_size;

/// Cropping pays when it removes at least this part of the images on average.
const CROP_WHEN_REMOVED: f64 = 0.2;

/// Intensities are taken over non-zero voxels only when at least this part of the images is 0 on average.
const NONZERO_WHEN_ZERO: f64 = 0.2;

/// Arrays above this size, in bytes, are reported.
const LARGE_BYTES: f64 = 2e9;

/// Whether images are to be cropped to their foreground.
pub fn crop_to_foreground(cases: &[CaseFacts]) -> bool {
    let removed: Vec<f64> = cases
        .iter()
        .map(|case| 1.0 - case.foreground.voxel_count() as f64 / case.geometry.voxel_count() as f64)
        .collect();
    mean(&removed) >= CROP_WHEN_REMOVED
}

/// Whether intensities are to be normalized over non-zero voxels only.
pub fn normalize_with_nonzero_mask(cases: &[CaseFacts]) -> bool {
    let fractions: Vec<f64> = cases.iter().map(|case| case.nonzero_fraction).collect();
    1.0 - mean(&fractions) >= NONZERO_WHEN_ZERO
}

/// The grid of a case, cropped or not, in the standard frame.
fn standard_grid(case: &CaseFacts, crop: bool) -> Geometry {
    let size = if crop { case.foreground.size() } else { case.geometry.size };
    standard_geometry(&Geometry { size, ..case.geometry })
}

/// Cases that no machine could resample to the target spacing, which comes from a slip in a header: position, and why.
pub fn absurd_cases(cases: &[CaseFacts], crop: bool, target_spacing: [f64; 3]) -> Vec<(usize, String)> {
    let unknown = Allowance::Unknown;
    let refusal =
        |(index, case)| Some((index, budget::refusal(&standard_grid(case, crop), target_spacing, 1, unknown)?));
    cases.iter().enumerate().filter_map(refusal).collect()
}

/// Size of each case after preprocessing, in voxels along x, y, z of the standard frame.
pub fn resampled_sizes(cases: &[CaseFacts], crop: bool, target_spacing: [f64; 3]) -> Vec<[usize; 3]> {
    let resampled = |case: &CaseFacts| {
        let grid = standard_grid(case, crop);
        resampled_size(grid.size, grid.spacing, target_spacing)
    };
    cases.iter().map(resampled).collect()
}

/// Median size along each axis; half voxels occur.
pub fn median_size(sizes: &[[usize; 3]]) -> [f64; 3] {
    [0, 1, 2].map(|axis| median(&sizes.iter().map(|size| size[axis] as f64).collect::<Vec<_>>()))
}

/// Says how much memory the arrays of a case take while it is preprocessed, when that is a lot.
pub fn large_case_note(size: [usize; 3], channels: usize, labels: usize) -> Option<String> {
    let bytes = 4.0 * size.iter().map(|&n| n as f64).product::<f64>() * (channels + labels) as f64;
    (bytes > LARGE_BYTES).then(|| {
        let [x, y, z] = size;
        format!("becomes {x}x{y}x{z} voxels; preprocessing it may take {:.1} GB of memory", bytes / 1e9)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_volume::crop::BoundingBox;

    fn case(size: [usize; 3], end: [usize; 3], nonzero_fraction: f64) -> CaseFacts {
        let geometry = Geometry::axis_aligned(size, [1.0, 1.0, 2.0]);
        let foreground = BoundingBox { start: [0; 3], end, original_size: size };
        CaseFacts { geometry, foreground, nonzero_fraction, ct: None, dump: None, notes: Vec::new() }
    }

    #[test]
    fn decisions_are_made_at_one_fifth() {
        let cases = [case([10, 10, 10], [9, 9, 5], 0.7), case([10, 10, 10], [9, 9, 9], 0.9)];
        assert!(crop_to_foreground(&cases), "40 % and 0 % removed are 20 % on average");
        assert!(!crop_to_foreground(&cases[1..]));
        assert!(normalize_with_nonzero_mask(&cases[..1]));
        assert!(!normalize_with_nonzero_mask(&cases[1..]));
    }

    #[test]
    fn sizes_follow_the_box_only_when_cropping() {
        let cases = [case([10, 10, 10], [9, 4, 9], 1.0)];
        assert_eq!(resampled_sizes(&cases, false, [1.0, 1.0, 1.0]), [[10, 10, 20]]);
        assert_eq!(resampled_sizes(&cases, true, [1.0, 1.0, 1.0]), [[10, 5, 20]]);
    }

    #[test]
    fn axes_are_put_in_standard_order_before_they_meet_the_target_spacing() {
        // Image axes run along z, x, y of the world.
        let mut permuted = case([50, 40, 12], [49, 39, 11], 1.0);
        permuted.geometry.spacing = [1.0, 1.0, 3.0];
        permuted.geometry.direction = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]];
        assert_eq!(resampled_sizes(&[permuted], false, [1.0, 3.0, 1.0]), [[40, 12, 50]]);
    }

    #[test]
    fn the_median_may_be_half_a_voxel() {
        assert_eq!(median_size(&[[10, 20, 30], [11, 20, 35]]), [10.5, 20.0, 32.5]);
    }

    #[test]
    fn only_large_cases_are_noted() {
        assert_eq!(large_case_note([128, 128, 128], 4, 5), None);
        assert!(large_case_note([512, 512, 400], 2, 3).unwrap().contains("2.1 GB"));
    }
}
