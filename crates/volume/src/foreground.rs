//! The box that holds the bright part of a scan.

use crate::crop::BoundingBox;
use crate::otsu;
use crate::percentile::percentile;
use crate::volume::Volume;

/// Percentiles between which intensities count, so that neither air nor metal decides the threshold.
const LOWER_PERCENT: f64 = 33.0;
const UPPER_PERCENT: f64 = 99.5;

/// Box of the voxels above Otsu's threshold, computed on intensities clipped to their 33rd and 99.5th percentile; the whole
/// image if there are none. In the image's own axes. Voxels must be finite (see [`Volume::first_non_finite`]).
pub fn bounding_box(volume: &Volume<f32>) -> BoundingBox {
    let size = volume.size();
    let whole = BoundingBox::whole(size);
    let mut scratch = volume.voxels().to_vec();
    let (Some(lower), Some(upper)) = (percentile(&mut scratch, LOWER_PERCENT), percentile(&mut scratch, UPPER_PERCENT))
    else {
        return whole;
    };
    drop(scratch);
    let clipped = |value: f32| f64::from(value).max(lower).min(upper);
    let Some(threshold) = otsu::threshold(volume.voxels().iter().map(|&value| clipped(value))) else { return whole };
    box_where(volume, |value| clipped(value) > threshold).unwrap_or(whole)
}

/// Smallest box that holds all voxels of which `wanted` is true.
fn box_where(volume: &Volume<f32>, wanted: impl Fn(f32) -> bool) -> Option<BoundingBox> {
    let size = volume.size();
    let mut found: Option<([usize; 3], [usize; 3])> = None;
    if size.contains(&0) {
        return None;
    }
    for (row, values) in volume.voxels().chunks_exact(size[0]).enumerate() {
        let Some(first) = values.iter().position(|&value| wanted(value)) else { continue };
        let last = values.iter().rposition(|&value| wanted(value)).unwrap_or(first);
        let (y, z) = (row % size[1], row / size[1]);
        let (start, end) = found.get_or_insert(([first, y, z], [last, y, z]));
        *start = [start[0].min(first), start[1].min(y), start[2].min(z)];
        *end = [end[0].max(last), end[1].max(y), end[2].max(z)];
    }
    found.map(|(start, end)| BoundingBox { start, end, original_size: size })
}
