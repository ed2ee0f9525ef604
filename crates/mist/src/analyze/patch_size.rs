//! The first choice of the patch size, from the median image and a budget of voxels.

/// Spacing ratio above which an image counts as anisotropic; also used for resampling.
pub const ANISOTROPY_LIMIT: f64 = 3.0;

/// Networks halve the resolution five times, so in-plane sizes are multiples of 2⁵.
const DIVISOR: f64 = 32.0;

/// Fewest slices of a quasi-2D patch.
const FEWEST_SLICES: f64 = 5.0;

/// Patch size in voxels (grid x, y, z) for a median image of `median_size` voxels at `target_spacing` mm,
/// of about `budget` voxels.
///
/// Nearly cubic in mm for near-isotropic spacing; for strongly anisotropic spacing the in-plane axes are filled
/// first. No axis is larger than the median image, except that in-plane axes are at least 32.
pub fn select(median_size: [f64; 3], target_spacing: [f64; 3], budget: f64) -> [usize; 3] {
    let largest = target_spacing.into_iter().fold(f64::MIN, f64::max);
    let smallest = target_spacing.into_iter().fold(f64::MAX, f64::min);
    if largest / smallest > ANISOTROPY_LIMIT {
        let low = (0..3).find(|&axis| target_spacing[axis] == largest).unwrap_or(0);
        quasi_2d(median_size, target_spacing, low, budget)
    } else {
        isotropic(median_size, target_spacing, budget)
    }
}

/// `low` is the axis of low resolution.
fn quasi_2d(median_size: [f64; 3], spacing: [f64; 3], low: usize, budget: f64) -> [usize; 3] {
    let in_plane_size = (0..3).filter(|&axis| axis != low).map(|axis| median_size[axis]).fold(f64::MAX, f64::min);
    let available = median_size[low];
    let fewest = available.min(FEWEST_SLICES);
    let mut slices = (budget / (in_plane_size * in_plane_size)).clamp(fewest, available).floor();

    let mut planned = [in_plane_size; 3];
    planned[low] = slices;
    let stride = cumulative_stride(planned, spacing, low);
    if stride > 1.0 {
        // Slices that the network cannot halve evenly would be lost at depth.
        let up = (slices / stride).ceil() * stride;
        slices = if up <= available { up } else { ((slices / stride).floor() * stride).max(fewest) };
    }
    let in_plane = down_to_divisor((budget / slices).sqrt().round_ties_even().min(in_plane_size));
    let mut patch = [in_plane; 3];
    patch[low] = slices as usize;
    patch
}

/// How often the nnU-Net planner halves `axis` in all for a patch of `size` voxels at `spacing` mm, as a factor.
fn cumulative_stride(size: [f64; 3], spacing: [f64; 3], axis: usize) -> f64 {
    const LEVELS: usize = 5;
    const FEWEST_VOXELS: f64 = 8.0;
    let (mut size, mut spacing, mut product) = (size, spacing, 1.0);
    for _ in 0..LEVELS {
        let finest = spacing.into_iter().fold(f64::MAX, f64::min);
        let strides: [f64; 3] =
            std::array::from_fn(
                |axis| {
                    if spacing[axis] / finest <= 2.0 && size[axis] >= FEWEST_VOXELS { 2.0 } else { 1.0 }
                },
            );
        if strides == [1.0; 3] {
            break;
        }
        product *= strides[axis];
        for axis in 0..3 {
            size[axis] = (size[axis] / strides[axis]).floor();
            spacing[axis] *= strides[axis];
        }
    }
    product
}

fn isotropic(median_size: [f64; 3], spacing: [f64; 3], budget: f64) -> [usize; 3] {
    let mut fixed = [None; 3];
    // Edge length in mm of the part of the patch that is not limited by the image.
    let mut edge = 0.0;
    loop {
        let free: Vec<usize> = (0..3).filter(|&axis| fixed[axis].is_none()).collect();
        if free.is_empty() {
            break;
        }
        let taken: f64 = fixed.iter().flatten().map(|&size: &usize| size as f64).product();
        let spacing_product: f64 = free.iter().map(|&axis| spacing[axis]).product();
        edge = (budget / taken * spacing_product).powf(1.0 / free.len() as f64);
        let before = free.len();
        for &axis in &free {
            if edge / spacing[axis] >= median_size[axis] {
                fixed[axis] = Some(down_to_divisor(median_size[axis]));
            }
        }
        if fixed.iter().filter(|size| size.is_none()).count() == before {
            break;
        }
    }
    std::array::from_fn(|axis| {
        fixed[axis].unwrap_or_else(|| down_to_divisor((edge / spacing[axis]).round_ties_even().min(median_size[axis])))
    })
}

fn down_to_divisor(size: f64) -> usize {
    ((size / DIVISOR).floor() * DIVISOR).max(DIVISOR) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The budget without a GPU: 128³.
    const DEFAULT_BUDGET: f64 = (128 * 128 * 128) as f64;

    #[test]
    fn patches_of_the_reference() {
        let table = [
            ([135.0, 174.0, 139.0], [1.0, 1.0, 1.0], DEFAULT_BUDGET, [128, 128, 128]),
            ([512.0, 512.0, 100.0], [0.7, 0.7, 5.0], DEFAULT_BUDGET, [512, 512, 8]),
            ([512.0, 400.0, 100.0], [0.7, 0.7, 5.0], DEFAULT_BUDGET, [384, 384, 14]),
            ([512.0, 512.0, 100.0], [0.7, 0.7, 5.0], DEFAULT_BUDGET / 2.0, [448, 448, 5]),
            ([512.0, 512.0, 100.0], [0.7, 0.7, 5.0], DEFAULT_BUDGET * 5.0, [512, 512, 40]),
            ([512.0, 512.0, 200.0], [0.7, 0.7, 2.0], DEFAULT_BUDGET, [160, 160, 64]),
            ([30.0, 600.0, 600.0], [5.0, 0.7, 0.7], DEFAULT_BUDGET, [5, 576, 576]),
            ([512.0, 512.0, 300.0], [0.8, 0.8, 1.5], 18_323_865.0, [320, 320, 160]),
            ([127.5, 130.0, 131.0], [1.0, 1.0, 1.0], DEFAULT_BUDGET, [96, 128, 128]),
            ([20.0, 20.0, 20.0], [1.0, 1.0, 1.0], DEFAULT_BUDGET, [32, 32, 32]),
        ];
        for (size, spacing, budget, patch) in table {
            assert_eq!(select(size, spacing, budget), patch, "{size:?} at {spacing:?}, {budget} voxels");
        }
    }

    #[test]
    fn a_thin_stack_keeps_all_its_slices() {
        let patch = select([256.0, 256.0, 3.0], [1.0, 1.0, 10.0], DEFAULT_BUDGET);
        assert_eq!(patch, [256, 256, 3]);
    }
}
