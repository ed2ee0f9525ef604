//! Putting images on another grid: same first voxel centre, same axes, other spacing and size.
//!
//! Because input and output share their axes, a sample position along one axis does not depend on the other two, and every
//! interpolator here works axis by axis. Which positions exactly, to the last bit, is the matter of `positions`: ties of
//! the nearest neighbour, the half-open border and the arg max of label maps hang on it.
//!
//! The output grid is anchored at the first voxel *centre*, not at the corner of the field of view; samples half a voxel or
//! more beyond the last centre are 0. Upsampling by a factor f therefore ends in about f/2 planes of zeros. This is what the
//! networks of this format have been trained with.

mod bspline;
mod labels;
mod linear;
mod nearest;
mod positions;

pub use labels::{TooManyLabels, resample_class_indices, resample_labels};

use crate::geometry::{Geometry, all_close};
use crate::volume::Volume;

/// Above this ratio of largest to smallest spacing, the axis of the largest is interpolated by nearest neighbour first: a
/// smooth interpolator would invent structure between slices far apart.
const ANISOTROPY_THRESHOLD: f64 = 3.0;

/// Voxels along each axis of a grid with another spacing: `size·spacing/target`, rounded half to even, at least 1.
pub fn resampled_size(size: [usize; 3], spacing: [f64; 3], target: [f64; 3]) -> [usize; 3] {
    [0, 1, 2].map(|axis| {
        let voxels = (size[axis] as f64 * spacing[axis] / target[axis]).round_ties_even();
        (voxels as usize).max(1)
    })
}

/// Voxels of the grid whose spline is computed on the way to the target spacing (mm): the image, or what the pass along a
/// coarse axis makes of it. A float, because a header with an absurd spacing asks for more than an integer can count.
pub fn spline_grid(input: &Geometry, target: [f64; 3]) -> f64 {
    let output = regridded(input, target, resampled_size(input.size, input.spacing, target));
    let grid = anisotropic_step(input, &output).unwrap_or(*input);
    grid.size.into_iter().map(|n| n as f64).product()
}

/// Resamples an image to the target spacing (mm) by cubic B-spline, after a nearest-neighbour pass along the axis of the
/// largest spacing if the image is anisotropic. An image that has the spacing already (to 1e-5) is returned as it is.
pub fn resample_image(volume: &Volume<f32>, target: [f64; 3]) -> Volume<f32> {
    if all_close(&volume.geometry().spacing, &target) {
        return volume.clone();
    }
    let size = resampled_size(volume.size(), volume.geometry().spacing, target);
    resample_probabilities(volume, target, size)
}

/// Resamples one channel of probabilities to the given spacing (mm) and size, as [`resample_image`] does it with images, but
/// always. Results may lie outside 0 to 1: splines overshoot.
pub fn resample_probabilities(volume: &Volume<f32>, spacing: [f64; 3], size: [usize; 3]) -> Volume<f32> {
    let output = regridded(volume.geometry(), spacing, size);
    match anisotropic_step(volume.geometry(), &output) {
        Some(step) => bspline::resample(&nearest::resample(volume, &step, 0.0), &output),
        None => bspline::resample(volume, &output),
    }
}

/// The grid with another spacing and size but the same first voxel and axes.
fn regridded(geometry: &Geometry, spacing: [f64; 3], size: [usize; 3]) -> Geometry {
    Geometry { size, spacing, ..*geometry }
}

/// The grid after the nearest-neighbour pass on the way from `input` to `output`, or `None` if the input is isotropic enough
/// to do without.
fn anisotropic_step(input: &Geometry, output: &Geometry) -> Option<Geometry> {
    let spacing = input.spacing;
    let smallest = spacing.iter().copied().fold(f64::INFINITY, f64::min);
    let low = (1..3).fold(0, |best, axis| if spacing[axis] > spacing[best] { axis } else { best });
    if spacing[low] / smallest <= ANISOTROPY_THRESHOLD {
        return None;
    }
    let mut step = *input;
    step.size[low] = output.size[low];
    step.spacing[low] = output.spacing[low];
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_half_to_even() {
        assert_eq!(resampled_size([5, 7, 10], [1.0; 3], [2.0, 2.0, 0.25]), [2, 4, 40]);
        assert_eq!(resampled_size([1, 1, 1], [1.0; 3], [5.0; 3]), [1, 1, 1]);
    }

    #[test]
    fn the_first_largest_spacing_is_the_low_axis() {
        let input = Geometry::axis_aligned([8, 8, 8], [4.0, 1.0, 4.0]);
        let output = regridded(&input, [1.0; 3], [32, 8, 32]);
        let step = anisotropic_step(&input, &output).unwrap();
        assert_eq!((step.size, step.spacing), ([32, 8, 8], [1.0, 1.0, 4.0]));
        assert_eq!(anisotropic_step(&Geometry::axis_aligned([8; 3], [3.0, 1.0, 1.0]), &output), None);
    }

    #[test]
    fn the_spline_is_that_of_the_image_or_of_the_step_after_it() {
        let isotropic = Geometry::axis_aligned([10, 10, 10], [1.0; 3]);
        assert_eq!(spline_grid(&isotropic, [0.5; 3]), 1000.0);
        let thick = Geometry::axis_aligned([100, 100, 10], [1.0, 1.0, 5.0]);
        assert_eq!(spline_grid(&thick, [10.0, 10.0, 1.0]), 100.0 * 100.0 * 50.0);
        let absurd = Geometry::axis_aligned([512; 3], [1.0, 1.0, 1e9]);
        assert!(spline_grid(&absurd, [1e-9; 3]) > 1e20, "no overflow");
    }

    #[test]
    fn an_image_with_the_target_spacing_is_not_touched() {
        let geometry = Geometry::axis_aligned([4, 5, 6], [1.2, 1.0, 0.8]);
        let volume = Volume::from_fn(geometry, |[x, y, z]| (x * 7 + y * 3 + z) as f32);
        assert_eq!(resample_image(&volume, [1.200001, 1.0, 0.8]), volume);
    }
}
