//! The box that holds the bright part of a scan.

use crate::crop::{BoundingBox, box_where};
use crate::otsu;
use crate::percentile::volume_percentiles;
use crate::volume::Volume;

/// Percentiles between which intensities count, so that neither air nor metal decides the threshold.
const LOWER_PERCENT: f64 = 33.0;
const UPPER_PERCENT: f64 = 99.5;

/// Box of the voxels above Otsu's threshold, computed on intensities clipped to their 33rd and 99.5th percentile; the whole
/// image if there are none. In the image's own axes. Voxels must be finite (see [`Volume::first_non_finite`]).
pub fn bounding_box(volume: &Volume<f32>) -> BoundingBox {
    let size = volume.size();
    let whole = BoundingBox::whole(size);
    let Some([lower, upper]) = volume_percentiles(volume.voxels(), |_| true, [LOWER_PERCENT, UPPER_PERCENT]) else {
        return whole;
    };
    let clipped = |value: f32| f64::from(value).max(lower).min(upper);
    let Some(threshold) = otsu::threshold(volume.voxels(), clipped) else { return whole };
    box_where(volume, |value| clipped(value) > threshold).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;

    fn image(bright: impl Fn([usize; 3]) -> bool) -> Volume<f32> {
        let geometry = Geometry::axis_aligned([20, 16, 12], [1.0; 3]);
        Volume::from_fn(geometry, |index| if bright(index) { 100.0 } else { (index[0] % 3) as f32 / 100.0 })
    }

    #[test]
    fn the_box_holds_exactly_the_bright_part() {
        let found =
            bounding_box(&image(|[x, y, z]| (4..=9).contains(&x) && (3..=14).contains(&y) && (2..=7).contains(&z)));
        assert_eq!(found, BoundingBox { start: [4, 3, 2], end: [9, 14, 7], original_size: [20, 16, 12] });
    }

    #[test]
    fn an_image_without_contrast_is_kept_whole() {
        let geometry = Geometry::axis_aligned([20, 16, 12], [1.0; 3]);
        let constant = Volume::filled(geometry, 5.0);
        assert_eq!(bounding_box(&constant), BoundingBox::whole([20, 16, 12]));
        // A bright part below half a percent is clipped away.
        let speck = Volume::from_fn(geometry, |index| if index == [5, 5, 5] { 100.0 } else { 0.0 });
        assert_eq!(bounding_box(&speck), BoundingBox::whole([20, 16, 12]));
    }
}
