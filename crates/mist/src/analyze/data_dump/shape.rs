//! The shape of a label in numbers: how far it is a line, a sheet or a ball, how compact, and how thin.

use mist_volume::crop::BoundingBox;
use mist_volume::skeleton::{Recheck, skeleton};
use serde::Serialize;

/// Fewest voxels whose spread says something.
const FEWEST_VOXELS: u64 = 4;
/// Smallest variance along the longest axis, in mm², below which a label counts as a point.
const SMALLEST_VARIANCE: f64 = 1e-8;

/// Shape of one label in one case. With the variances λ₁ ≥ λ₂ ≥ λ₃ of its voxels (in mm) along their principal axes, the first
/// three numbers add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shape {
    /// (λ₁ − λ₂) / λ₁: 1 for a line.
    pub linearity: f64,
    /// (λ₂ − λ₃) / λ₁: 1 for a thin disc.
    pub planarity: f64,
    /// λ₃ / λ₁: 1 for a ball.
    pub sphericity: f64,
    /// Isoperimetric quotient 36 π V² / A³, at most 1, with the area of the voxels' faces.
    pub compactness: f64,
    /// Voxels of the skeleton (Lee, Kashyap and Chu 1994) as a part of the label's.
    pub skeleton_ratio: f64,
}

/// Counts over the voxels of one label, all exact.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Voxels.
    pub voxels: u64,
    /// First and last voxel along each axis.
    pub bounds: Option<BoundingBox>,
    sums: [u64; 3],
    products: [[u64; 3]; 3],
    /// Faces towards other labels or the border of the image, by the axis they are square to.
    faces: [u64; 3],
}

impl Moments {
    const NONE: Self = Self { voxels: 0, bounds: None, sums: [0; 3], products: [[0; 3]; 3], faces: [0; 3] };

    /// Of each class in `classes` (positions below `count`; x fastest, `size` voxels), class 0 left empty.
    pub fn of_classes(classes: &[u16], size: [usize; 3], count: usize) -> Vec<Self> {
        let [nx, ny, nz] = size;
        let mut moments = vec![Self::NONE; count];
        let steps = [1, nx, nx * ny];
        let mut index = 0;
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let class = classes[index];
                    if class != 0 {
                        let at = [x, y, z];
                        let own = &mut moments[usize::from(class)];
                        own.add(at, size);
                        for axis in 0..3 {
                            let before = at[axis] == 0 || classes[index - steps[axis]] != class;
                            let after = at[axis] + 1 == size[axis] || classes[index + steps[axis]] != class;
                            own.faces[axis] += u64::from(before) + u64::from(after);
                        }
                    }
                    index += 1;
                }
            }
        }
        moments
    }

    fn add(&mut self, at: [usize; 3], size: [usize; 3]) {
        self.voxels += 1;
        for axis in 0..3 {
            self.sums[axis] += at[axis] as u64;
            for other in 0..=axis {
                self.products[axis][other] += (at[axis] * at[other]) as u64;
            }
        }
        let bounds = self.bounds.get_or_insert(BoundingBox { start: at, end: at, original_size: size });
        for axis in 0..3 {
            bounds.start[axis] = bounds.start[axis].min(at[axis]);
            bounds.end[axis] = bounds.end[axis].max(at[axis]);
        }
    }

    /// Sample covariance of the voxels' positions in mm, along the axes of the file.
    fn covariance(&self, spacing: [f64; 3]) -> [[f64; 3]; 3] {
        let n = u128::from(self.voxels);
        let pairs = n * (n - 1);
        let mut covariance = [[0.0; 3]; 3];
        for row in 0..3 {
            for column in 0..=row {
                // The difference of two large numbers, so in whole numbers.
                let sum = n as i128 * i128::from(self.products[row][column])
                    - i128::from(self.sums[row]) * i128::from(self.sums[column]);
                let value = sum as f64 / pairs as f64 * spacing[row] * spacing[column];
                covariance[row][column] = value;
                covariance[column][row] = value;
            }
        }
        covariance
    }

    /// The shape; `None` for a label of few voxels or no extent. `classes` are those that were counted, with this one as `class`.
    pub fn shape(&self, classes: &[u16], class: u16, spacing: [f64; 3]) -> Option<Shape> {
        let bounds = self.bounds.as_ref().filter(|_| self.voxels >= FEWEST_VOXELS)?;
        let [first, second, third] = eigenvalues(self.covariance(spacing)).map(|value| value.max(0.0));
        if first < SMALLEST_VARIANCE {
            return None;
        }
        let [x, y, z] = spacing;
        let volume = self.voxels as f64 * x * y * z;
        let areas = [y * z, x * z, x * y];
        let area: f64 = self.faces.iter().zip(areas).map(|(&faces, area)| faces as f64 * area).sum();
        let quotient = 36.0 * std::f64::consts::PI * volume * volume / (area * area * area);
        Some(Shape {
            linearity: (first - second) / first,
            planarity: (second - third) / first,
            sphericity: third / first,
            compactness: quotient.min(1.0),
            skeleton_ratio: skeleton_voxels(classes, class, bounds) as f64 / self.voxels as f64,
        })
    }
}

/// Voxels of the skeleton of the voxels that hold `class`, which lie within `bounds`.
fn skeleton_voxels(classes: &[u16], class: u16, bounds: &BoundingBox) -> usize {
    let [width, height, depth] = bounds.size();
    let [nx, ny, _] = bounds.original_size;
    let [x0, y0, z0] = bounds.start;
    // The axes change places, as the reference gives them to scikit-image, and which of the middle voxels stay depends on it.
    let mut mask = Vec::with_capacity(width * height * depth);
    for x in x0..x0 + width {
        for y in y0..y0 + height {
            mask.extend((z0..z0 + depth).map(|z| classes[x + nx * (y + ny * z)] == class));
        }
    }
    let thin = skeleton(&mask, [depth, height, width], Recheck::Connectivity).unwrap_or_default();
    thin.into_iter().filter(|&kept| kept).count()
}

/// Eigenvalues of a symmetric matrix, largest first (Jacobi's rotations).
fn eigenvalues(mut matrix: [[f64; 3]; 3]) -> [f64; 3] {
    const SWEEPS: usize = 12;
    for _ in 0..SWEEPS {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if matrix[p][q] == 0.0 {
                continue;
            }
            let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
            let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let sine = tangent * cosine;
            for row in &mut matrix {
                (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
            }
            for column in 0..3 {
                let (upper, lower) = (matrix[p][column], matrix[q][column]);
                matrix[p][column] = cosine * upper - sine * lower;
                matrix[q][column] = sine * upper + cosine * lower;
            }
        }
    }
    let mut values = [matrix[0][0], matrix[1][1], matrix[2][2]];
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(size: [usize; 3], spacing: [f64; 3], inside: impl Fn([usize; 3]) -> bool) -> Option<Shape> {
        let [nx, ny, nz] = size;
        let mut classes = Vec::new();
        for z in 0..nz {
            for y in 0..ny {
                classes.extend((0..nx).map(|x| u16::from(inside([x, y, z]))));
            }
        }
        Moments::of_classes(&classes, size, 2)[1].shape(&classes, 1, spacing)
    }

    #[test]
    fn eigenvalues_of_a_rotated_diagonal() {
        // Rows of a rotation by 30° about z, applied to diag(9, 4, 1).
        let (c, s) = (0.75_f64.sqrt(), 0.5);
        let matrix = [
            [9.0 * c * c + 4.0 * s * s, (9.0 - 4.0) * c * s, 0.0],
            [(9.0 - 4.0) * c * s, 9.0 * s * s + 4.0 * c * c, 0.0],
            [0.0, 0.0, 1.0],
        ];
        for (found, expected) in eigenvalues(matrix).into_iter().zip([9.0, 4.0, 1.0]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
        assert_eq!(eigenvalues([[0.0; 3]; 3]), [0.0; 3]);
    }

    #[test]
    fn a_line_a_sheet_and_a_block_are_told_apart() {
        let line = shape_of([20, 3, 3], [1.0; 3], |at| at[1] == 1 && at[2] == 1).unwrap();
        assert_eq!((line.linearity, line.planarity, line.sphericity), (1.0, 0.0, 0.0));
        assert_eq!(line.skeleton_ratio, 1.0);
        let sheet = shape_of([3, 20, 20], [1.0; 3], |at| at[0] == 1).unwrap();
        assert!(sheet.planarity > 0.999 && sheet.compactness < 0.1, "{sheet:?}");
        let cube = shape_of([12, 12, 12], [1.0; 3], |at| at.iter().all(|&n| (1..11).contains(&n))).unwrap();
        assert!((cube.sphericity - 1.0).abs() < 1e-12);
        // 36 π V² / A³ of a cube is π / 6.
        assert!((cube.compactness - std::f64::consts::PI / 6.0).abs() < 1e-12);
    }

    #[test]
    fn lengths_are_in_mm() {
        // 10 × 10 × 5 voxels of twice the depth are a cube.
        let cube = shape_of([10, 10, 5], [1.0, 1.0, 2.0], |_| true).unwrap();
        assert!((cube.compactness - std::f64::consts::PI / 6.0).abs() < 1e-12);
    }

    #[test]
    fn points_have_no_shape() {
        assert_eq!(shape_of([3, 1, 1], [1.0; 3], |_| true), None);
        assert_eq!(shape_of([4, 4, 4], [1.0; 3], |_| false), None);
        assert_eq!(shape_of([8, 1, 1], [1e-6; 3], |_| true), None);
    }
}
