//! The spacing to which all cases are resampled.

use super::patch_size::ANISOTROPY_LIMIT;
use super::statistics::median;
use mist_volume::percentile::percentile_f64;

/// Where thick slices dominate, the thinner tenth of the cases sets the slice distance.
const THIN_SLICES_PERCENT: f64 = 10.0;

/// Target spacing in mm for cases of the given spacings, all on axes x, y, z of the standard frame.
///
/// The median over the cases, except that the axis of the coarsest median follows the 10th percentile when it is
/// more than three times as coarse as the finest.
pub fn target_spacing(spacings: &[[f64; 3]]) -> [f64; 3] {
    let along = |axis: usize| -> Vec<f64> { spacings.iter().map(|spacing| spacing[axis]).collect() };
    let mut target = [0, 1, 2].map(|axis| median(&along(axis)));
    let largest = target.into_iter().fold(f64::MIN, f64::max);
    let smallest = target.into_iter().fold(f64::MAX, f64::min);
    if largest / smallest > ANISOTROPY_LIMIT
        && let Some(axis) = target.iter().position(|&value| value == largest)
    {
        target[axis] = percentile_f64(&mut along(axis), THIN_SLICES_PERCENT).unwrap_or(largest);
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_isotropic_cases_get_the_median() {
        assert_eq!(target_spacing(&[[1.0, 1.0, 2.0], [1.0, 2.0, 1.0], [1.0, 1.5, 3.0]]), [1.0, 1.5, 2.0]);
    }

    #[test]
    fn thick_slices_follow_the_thinner_cases() {
        let target = target_spacing(&[[0.9, 0.9, 5.0], [0.8, 0.8, 5.0], [0.8, 0.8, 4.0], [1.0, 1.0, 6.0]]);
        assert!((target[2] - 4.3).abs() < 1e-12 && (target[0] - 0.85).abs() < 1e-12, "{target:?}");
    }
}
