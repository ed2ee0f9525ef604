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

/// Voxels this many times larger or smaller than those of the other cases are no choice of a scanner.
const SUSPICIOUS_FACTOR: f64 = 20.0;

/// Says of each case whose spacing is out of all proportion to that of the others that it is: position, and note.
pub fn odd_ones(spacings: &[[f64; 3]]) -> Vec<(usize, String)> {
    let usual = [0, 1, 2].map(|axis| median(&spacings.iter().map(|spacing| spacing[axis]).collect::<Vec<_>>()));
    let odd = |spacing: &[f64; 3]| {
        let ratios = spacing.iter().zip(usual).map(|(length, usual)| length / usual);
        ratios.into_iter().any(|ratio| !(1.0 / SUSPICIOUS_FACTOR..=SUSPICIOUS_FACTOR).contains(&ratio))
    };
    let shown = |[x, y, z]: [f64; 3]| format!("{x} x {y} x {z} mm");
    let note = |(index, spacing): (usize, &[f64; 3])| {
        let text = format!(
            "its voxels measure {}, those of most cases {}; check the unit in its header",
            shown(*spacing),
            shown(usual)
        );
        odd(spacing).then_some((index, text))
    };
    spacings.iter().enumerate().filter_map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metres_among_millimetres_are_noticed() {
        let odd = odd_ones(&[[1.0, 1.0, 5.0], [0.001, 0.001, 0.005], [0.9, 0.9, 3.0]]);
        let text = "its voxels measure 0.001 x 0.001 x 0.005 mm, those of most cases 0.9 x 0.9 x 3 mm; \
                    check the unit in its header";
        assert_eq!(odd, [(1, text.to_owned())]);
    }

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
