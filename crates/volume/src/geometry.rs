//! Where the voxels of an image lie in the world, and whether two images share a grid.

/// Direction matrix of an image whose axes are those of the world.
pub const IDENTITY_DIRECTION: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Largest difference between direction cosines of the same grid: headers store them as 32-bit floats, or as a
/// quaternion of such, so that two writers of one grid differ by a few 1e-7. 1e-5 moves the far corner of a 500 mm image
/// by 0.005 mm.
const DIRECTION_TOLERANCE: f64 = 1e-5;

/// Grid of an image in the LPS world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// Voxels along the image axes x, y, z.
    pub size: [usize; 3],
    /// Distance between voxel centres along the image axes, mm.
    pub spacing: [f64; 3],
    /// Position of the centre of voxel (0, 0, 0), LPS mm.
    pub origin: [f64; 3],
    /// `direction[world axis][image axis]`: columns are the unit vectors of the image axes.
    pub direction: [[f64; 3]; 3],
}

impl Geometry {
    /// A grid whose axes are those of the world and whose first voxel lies at the world's origin.
    pub fn axis_aligned(size: [usize; 3], spacing: [f64; 3]) -> Self {
        Self { size, spacing, origin: [0.0; 3], direction: IDENTITY_DIRECTION }
    }

    /// Number of voxels.
    pub fn voxel_count(&self) -> usize {
        self.size.iter().product()
    }

    /// `direction · diag(spacing)`: maps an index difference to a displacement in mm.
    pub fn index_to_world(&self) -> [[f64; 3]; 3] {
        self.direction.map(|row| [row[0] * self.spacing[0], row[1] * self.spacing[1], row[2] * self.spacing[2]])
    }

    /// Centre of the voxel at a (possibly outside) index, LPS mm. Summed from the origin in axis order, as ITK does, because
    /// the rounding decides ties when the grid is resampled.
    pub fn physical_point(&self, index: [f64; 3]) -> [f64; 3] {
        let matrix = self.index_to_world();
        let mut point = self.origin;
        for (coordinate, row) in point.iter_mut().zip(matrix) {
            for axis in 0..3 {
                *coordinate += row[axis] * index[axis];
            }
        }
        point
    }

    /// Largest angle between an image axis and the world axis it is closest to, degrees: 0 for images that only need
    /// axes permuted and flipped.
    pub fn obliquity(&self) -> f64 {
        let axes = crate::orientation::SignedPermutation::standard_axes(&self.direction);
        let cosine = |world: usize| self.direction[world][axes.image_axis[world]].abs().min(1.0);
        (0..3).map(|world| cosine(world).acos().to_degrees()).fold(0.0, f64::max)
    }
}

/// `|a − b| ≤ 1e-8 + 1e-5·|b|` for every pair: the closeness used for spacings.
pub fn all_close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-8 + 1e-5 * b.abs())
}

/// What differs between two grids that should be the same.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum GridMismatch {
    /// Numbers of voxels.
    #[error("the sizes differ: {}x{}x{} and {}x{}x{} voxels", first[0], first[1], first[2], second[0], second[1], second[2])]
    Size {
        /// Size of the first grid.
        first: [usize; 3],
        /// Size of the second grid.
        second: [usize; 3],
    },
    /// Voxel spacings.
    #[error("the spacings differ: {first:?} and {second:?} mm")]
    Spacing {
        /// Spacing of the first grid, mm.
        first: [f64; 3],
        /// Spacing of the second grid, mm.
        second: [f64; 3],
    },
    /// Positions of the first voxel.
    #[error("the origins differ by {distance:.4} mm, more than {tolerance} mm: {first:?} and {second:?}")]
    Origin {
        /// Origin of the first grid, LPS mm.
        first: [f64; 3],
        /// Origin of the second grid, LPS mm.
        second: [f64; 3],
        /// Largest difference along a world axis, mm.
        distance: f64,
        /// Largest difference allowed, mm.
        tolerance: f64,
    },
    /// Directions of the axes.
    #[error(
        "image axis {image_axis} points in different directions: its cosines with world axis {world_axis} are {first} and {second}"
    )]
    Direction {
        /// World axis, 0 to 2.
        world_axis: usize,
        /// Image axis, 0 to 2.
        image_axis: usize,
        /// Direction cosine in the first grid.
        first: f64,
        /// Direction cosine in the second grid.
        second: f64,
    },
}

/// Checks that voxels with the same index lie at the same place: equal sizes, spacings [`all_close`], origins within
/// `tolerance_mm` along every world axis, direction cosines within 1e-5.
pub fn same_grid(first: &Geometry, second: &Geometry, tolerance_mm: f64) -> Result<(), GridMismatch> {
    if first.size != second.size {
        return Err(GridMismatch::Size { first: first.size, second: second.size });
    }
    if !all_close(&first.spacing, &second.spacing) {
        return Err(GridMismatch::Spacing { first: first.spacing, second: second.spacing });
    }
    let distance = (0..3).map(|axis| (first.origin[axis] - second.origin[axis]).abs()).fold(0.0, f64::max);
    if distance > tolerance_mm {
        let (first, second) = (first.origin, second.origin);
        return Err(GridMismatch::Origin { first, second, distance, tolerance: tolerance_mm });
    }
    for world_axis in 0..3 {
        for image_axis in 0..3 {
            let [first, second] = [first, second].map(|grid| grid.direction[world_axis][image_axis]);
            if (first - second).abs() > DIRECTION_TOLERANCE {
                return Err(GridMismatch::Direction { world_axis, image_axis, first, second });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Geometry {
        Geometry {
            size: [4, 5, 6],
            spacing: [0.5, 1.0, 2.0],
            origin: [10.0, -20.0, 30.0],
            direction: [[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]],
        }
    }

    #[test]
    fn an_index_is_scaled_rotated_and_shifted() {
        assert_eq!(grid().physical_point([2.0, 3.0, 4.0]), [9.0, -12.0, 27.0]);
        assert_eq!(grid().voxel_count(), 120);
    }

    #[test]
    fn equal_grids_and_header_round_off_pass() {
        let mut other = grid();
        other.origin[1] += 5e-4;
        other.spacing[2] = 2.0 + 1e-6;
        other.direction[0][1] = 3e-7;
        assert_eq!(same_grid(&grid(), &other, 1e-3), Ok(()));
    }

    #[test]
    fn each_difference_is_named() {
        let message = |change: fn(&mut Geometry)| {
            let mut other = grid();
            change(&mut other);
            same_grid(&grid(), &other, 1e-3).unwrap_err().to_string()
        };
        assert!(message(|g| g.size[0] = 3).starts_with("the sizes differ: 4x5x6 and 3x5x6 voxels"));
        assert!(message(|g| g.spacing[0] = 0.6).starts_with("the spacings differ"));
        assert!(message(|g| g.origin[2] += 0.01).starts_with("the origins differ by 0.0100 mm, more than 0.001 mm"));
        assert!(message(|g| g.direction[0][0] = 1.0).starts_with("image axis 0 points in different directions"));
    }

    #[test]
    fn obliquity_is_the_tilt_of_the_worst_axis() {
        assert_eq!(grid().obliquity(), 0.0);
        let (sine, cosine) = 0.2_f64.sin_cos();
        let mut tilted = grid();
        tilted.direction = [[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]];
        assert!((tilted.obliquity() - 0.2_f64.to_degrees()).abs() < 1e-9);
    }
}
