//! Turning images to the standard frame and back, by permuting and flipping axes only.
//!
//! In the standard frame x grows towards the patient's Left, y Posterior, z Superior, and the direction matrix is the
//! identity. The part of an oblique direction that is no permutation is discarded, not interpolated.

use crate::geometry::{Geometry, IDENTITY_DIRECTION};
use crate::volume::Volume;
use rayon::prelude::*;

/// Edge of the cubes in which voxels are moved: 16 values of 4 bytes fill a cache line.
const CUBE: usize = 16;

/// Which image axis runs along each world axis, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedPermutation {
    /// `image_axis[w]`: image axis that runs along world axis `w` (0 = left, 1 = posterior, 2 = superior).
    pub image_axis: [usize; 3],
    /// `reversed[w]`: whether that image axis runs against world axis `w`.
    pub reversed: [bool; 3],
}

impl SignedPermutation {
    /// Matches image axes to world axes: the largest remaining `|direction|` pairs its column with its row, three times.
    /// A maximum per column would pair two image axes with one world axis in strongly oblique images.
    pub fn standard_axes(direction: &[[f64; 3]; 3]) -> Self {
        let mut free = [[true; 3]; 3];
        let (mut image_axis, mut reversed) = ([0, 1, 2], [false; 3]);
        for _ in 0..3 {
            let mut best: Option<(usize, usize)> = None;
            for world in 0..3 {
                for image in 0..3 {
                    let larger = |(w, i): (usize, usize)| direction[world][image].abs() > direction[w][i].abs();
                    if free[world][image] && best.is_none_or(larger) {
                        best = Some((world, image));
                    }
                }
            }
            let Some((world, image)) = best else { break };
            image_axis[world] = image;
            reversed[world] = direction[world][image] < 0.0;
            for other in 0..3 {
                free[world][other] = false;
                free[other][image] = false;
            }
        }
        Self { image_axis, reversed }
    }

    /// Reorders one value per image axis (a size, a spacing) to the axes of the standard frame.
    pub fn to_standard<T: Copy>(&self, per_image_axis: [T; 3]) -> [T; 3] {
        self.image_axis.map(|image| per_image_axis[image])
    }

    /// Reorders one value per standard axis to the axes of the image.
    pub fn from_standard<T: Copy>(&self, per_world_axis: [T; 3]) -> [T; 3] {
        let mut per_image_axis = per_world_axis;
        for world in 0..3 {
            per_image_axis[self.image_axis[world]] = per_world_axis[world];
        }
        per_image_axis
    }
}

/// Axis matching of an image, see [`SignedPermutation::standard_axes`].
pub fn standard_axes(direction: &[[f64; 3]; 3]) -> SignedPermutation {
    SignedPermutation::standard_axes(direction)
}

/// Where the image axes point to, as nibabel's `aff2axcodes` says it: `RAS` is right, anterior, superior.
pub fn axis_codes(direction: &[[f64; 3]; 3]) -> String {
    let axes = standard_axes(direction);
    let letters = [['L', 'R'], ['P', 'A'], ['S', 'I']];
    let codes = [0, 1, 2].map(|world| letters[world][usize::from(axes.reversed[world])]);
    axes.from_standard(codes).iter().collect()
}

/// Grid of `geometry` after [`to_standard`], for when only the header is at hand.
pub fn standard_geometry(geometry: &Geometry) -> Geometry {
    let axes = standard_axes(&geometry.direction);
    let mut first = [0.0; 3];
    for world in 0..3 {
        if axes.reversed[world] {
            first[axes.image_axis[world]] = geometry.size[axes.image_axis[world]].saturating_sub(1) as f64;
        }
    }
    Geometry {
        size: axes.to_standard(geometry.size),
        spacing: axes.to_standard(geometry.spacing),
        origin: geometry.physical_point(first),
        direction: IDENTITY_DIRECTION,
    }
}

/// Turns an image to the standard frame. The origin moves to the voxel that becomes the first one; the direction is replaced
/// by the identity.
pub fn to_standard<T: Copy + Send + Sync>(volume: &Volume<T>) -> Volume<T> {
    let axes = standard_axes(&volume.geometry().direction);
    let voxels = permuted(volume, axes.image_axis, axes.reversed);
    Volume::assembled(standard_geometry(volume.geometry()), voxels)
}

/// Undoes [`to_standard`]: turns an image of the standard frame to the axes of an image with the given `direction`, which it
/// takes over unchanged, even when oblique. Origin as if the first voxel of the standard frame lay at 0: the place
/// in the world is the caller's business, but the origin's rounding decides ties when the grid is resampled.
pub fn from_standard<T: Copy + Send + Sync>(volume: &Volume<T>, direction: &[[f64; 3]; 3]) -> Volume<T> {
    let axes = standard_axes(direction);
    let standard = volume.geometry();
    let mut source_axis = [0; 3];
    let mut reversed = [false; 3];
    let mut origin = [0.0; 3];
    for world in 0..3 {
        let image = axes.image_axis[world];
        source_axis[image] = world;
        reversed[image] = axes.reversed[world];
        if axes.reversed[world] {
            origin[world] = standard.size[world].saturating_sub(1) as f64 * standard.spacing[world];
        }
    }
    let geometry = Geometry {
        size: axes.from_standard(standard.size),
        spacing: axes.from_standard(standard.spacing),
        origin,
        direction: *direction,
    };
    Volume::assembled(geometry, permuted(volume, source_axis, reversed))
}

/// Values of the image whose axis `a` is axis `source_axis[a]` of `volume`, read backwards if `reversed[a]`.
fn permuted<T: Copy + Send + Sync>(volume: &Volume<T>, source_axis: [usize; 3], reversed: [bool; 3]) -> Vec<T> {
    let source = volume.voxels();
    let size = volume.size();
    let strides = [1, size[0], size[0] * size[1]];
    if source_axis == [0, 1, 2] && reversed == [false; 3] {
        return source.to_vec();
    }
    let [nx, ny, nz] = source_axis.map(|axis| size[axis]);
    let position = |axis: usize, i: usize| {
        let from = if reversed[axis] { size[source_axis[axis]] - 1 - i } else { i };
        from * strides[source_axis[axis]]
    };
    let Some(&first) = source.first() else { return Vec::new() };
    let mut voxels = vec![first; source.len()];
    let [xs, ys, zs] = [0, 1, 2].map(|axis| (0..[nx, ny, nz][axis]).map(|i| position(axis, i)).collect::<Vec<_>>());
    // In cubes: whichever axis is contiguous in the source, its cache lines are used up before they are evicted.
    voxels.par_chunks_mut(nx * ny * CUBE).zip(zs.par_chunks(CUBE)).for_each(|(slabs, zs)| {
        for (y_cube, ys) in ys.chunks(CUBE).enumerate() {
            for (x_cube, xs) in xs.chunks(CUBE).enumerate() {
                for (z, from_z) in zs.iter().enumerate() {
                    for (y, from_y) in ys.iter().enumerate() {
                        let row = x_cube * CUBE + nx * (y_cube * CUBE + y + ny * z);
                        for (value, from_x) in slabs[row..row + xs.len()].iter_mut().zip(xs) {
                            *value = source[from_x + from_y + from_z];
                        }
                    }
                }
            }
        }
    });
    voxels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_named_by_where_they_point_to() {
        assert_eq!(axis_codes(&IDENTITY_DIRECTION), "LPS");
        // The first axis runs to the front, the second to the right, the third to the feet; a little oblique.
        assert_eq!(axis_codes(&[[0.1, -0.99, 0.0], [-0.99, 0.1, 0.0], [0.0, 0.0, -1.0]]), "ARI");
    }
}
