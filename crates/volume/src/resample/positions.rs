//! Where the voxels of one grid lie in the index coordinates of another.

use crate::geometry::Geometry;

/// Input index coordinates of all output indices along one axis.
///
/// Ideally `c(i) = i·spacing_out/spacing_in`. In floating point it is what ITK computes on the way through world
/// coordinates: `c(i) = P·((origin + M·i) − origin)` with `M = D·diag(spacing_out)` and `P = (D·diag(spacing_in))⁻¹`; along x, whole
/// rows are interpolated between their ends: `c(0) + (i/n)·(c(n) − c(0))`. For permuted and flipped axes this is exact; for
/// oblique ones ITK's rounding also depends on the other two indices and on an SVD, which is not reproduced.
pub(super) fn positions(input: &Geometry, output: &Geometry, axis: usize) -> Vec<f64> {
    let inverse = inverse_row(input, axis);
    let coordinate = |i: usize| {
        let mut index = [0.0; 3];
        index[axis] = i as f64;
        let point = output.physical_point(index);
        let displacement = [0, 1, 2].map(|world| point[world] - output.origin[world]);
        inverse[0] * displacement[0] + inverse[1] * displacement[1] + inverse[2] * displacement[2]
    };
    let n = output.size[axis];
    if axis != 0 {
        return (0..n).map(coordinate).collect();
    }
    let (start, end) = (coordinate(0), coordinate(n));
    (0..n).map(|i| start + (i as f64 / n as f64) * (end - start)).collect()
}

/// Row `axis` of `(D·diag(spacing))⁻¹`. For a signed permutation it is the column of D divided by the spacing, exactly.
fn inverse_row(geometry: &Geometry, axis: usize) -> [f64; 3] {
    let d = &geometry.direction;
    let (next, last) = ((axis + 1) % 3, (axis + 2) % 3);
    let column = |c: usize| [d[0][c], d[1][c], d[2][c]];
    let cross =
        |a: [f64; 3], b: [f64; 3]| [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let cofactors = cross(column(next), column(last));
    let determinant: f64 = cofactors.iter().zip(column(axis)).map(|(a, b)| a * b).sum();
    let reciprocal = 1.0 / geometry.spacing[axis];
    cofactors.map(|cofactor| cofactor / determinant * reciprocal)
}

/// A sample between two neighbouring voxels of one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// Voxel at or below the position.
    pub(super) lower: usize,
    /// Voxel above it; the last one counts as its own neighbour.
    pub(super) upper: usize,
    /// Distance from the lower voxel, in voxels.
    pub(super) fraction: f64,
}

/// Whether a position lies on an axis of `n` voxels: `−0.5 ≤ c < n − 0.5`.
fn is_inside(position: f64, n: usize) -> bool {
    (-0.5..n as f64 - 0.5).contains(&position)
}

/// Neighbours for linear interpolation; `None` outside the axis.
pub(super) fn linear_sample(position: f64, n: usize) -> Option<Sample> {
    if !is_inside(position, n) {
        return None;
    }
    let lower = (position.floor().max(0.0) as usize).min(n - 1);
    Some(Sample { lower, upper: (lower + 1).min(n - 1), fraction: position - lower as f64 })
}

/// Nearest voxel, halves upwards; `None` outside the axis.
pub(super) fn nearest_sample(position: f64, n: usize) -> Option<usize> {
    is_inside(position, n).then(|| ((position + 0.5).floor().max(0.0) as usize).min(n - 1))
}

/// First neighbour and fraction for cubic interpolation over voxels `first … first + 3` (mirrored at the ends); `None` outside
/// the axis. As in ITK, the neighbours are chosen by the position rounded to f32, so that one a hair below a voxel counts as on
/// it (the fraction is then a hair below 0).
pub(super) fn cubic_sample(position: f64, n: usize) -> Option<(isize, f64)> {
    if !is_inside(position, n) {
        return None;
    }
    let floor = (position as f32).floor();
    Some((floor as isize - 1, position - f64::from(floor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_puts_every_second_sample_halfway() {
        let input = Geometry::axis_aligned([4, 4, 4], [2.0; 3]);
        let output = Geometry { size: [8; 3], spacing: [1.0; 3], ..input };
        for axis in 0..3 {
            let expected: Vec<f64> = (0..8).map(|i| f64::from(i) / 2.0).collect();
            assert_eq!(positions(&input, &output, axis), expected);
        }
    }

    #[test]
    fn axis_order_and_sign_do_not_matter_but_the_origin_rounds() {
        let plain = Geometry::axis_aligned([9, 9, 9], [0.7; 3]);
        let turned = Geometry { direction: [[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], ..plain };
        let fine = |geometry: Geometry| Geometry { spacing: [0.3; 3], ..geometry };
        for axis in 0..3 {
            assert_eq!(positions(&plain, &fine(plain), axis), positions(&turned, &fine(turned), axis));
        }
        let far = Geometry { origin: [1234.567; 3], ..plain };
        let (near, far) = (positions(&plain, &fine(plain), 1), positions(&far, &fine(far), 1));
        assert!(near.iter().zip(&far).all(|(a, b)| (a - b).abs() < 1e-11));
        assert_ne!(near, far, "rounding at the origin is part of the rule");
    }

    #[test]
    fn the_border_is_half_open() {
        assert_eq!(nearest_sample(-0.5, 3), Some(0));
        assert_eq!(nearest_sample(2.4999, 3), Some(2));
        assert_eq!(nearest_sample(2.5, 3), None);
        assert_eq!(nearest_sample(0.5, 3), Some(1));
        assert_eq!(linear_sample(2.25, 3), Some(Sample { lower: 2, upper: 2, fraction: 0.25 }));
        assert_eq!(linear_sample(2.5, 3), None);
        assert_eq!(cubic_sample(2.25, 3), Some((1, 0.25)));
        assert_eq!(cubic_sample(-0.51, 3), None);
        assert_eq!(cubic_sample(2.0 - 1e-12, 3).map(|sample| sample.0), Some(1));
    }
}
