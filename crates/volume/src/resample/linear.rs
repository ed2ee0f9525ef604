//! Linear interpolation, in the order x, y, z.

use super::positions::{Sample, linear_sample, positions};
use crate::geometry::Geometry;

/// Neighbours and fractions of every output voxel along the three axes; `None` where samples are outside.
pub(super) struct LinearGrid {
    pub(super) x: Vec<Option<Sample>>,
    pub(super) y: Vec<Option<Sample>>,
    pub(super) z: Vec<Option<Sample>>,
}

impl LinearGrid {
    pub(super) fn new(input: &Geometry, output: &Geometry) -> Self {
        let [x, y, z] = [0, 1, 2].map(|axis| {
            let samples = positions(input, output, axis).into_iter();
            samples.map(|position| linear_sample(position, input.size[axis])).collect()
        });
        Self { x, y, z }
    }
}

/// `lower + (upper − lower)·fraction`. Exactly this form: it makes a constant interpolate to itself.
fn between(lower: f64, upper: f64, fraction: f64) -> f64 {
    lower + (upper - lower) * fraction
}

/// Value inside a cell of eight voxels, `corners[z][y][x]`: along x, then y, then z in f64, rounded to f32 once.
pub(super) fn in_cell(corners: [[[f64; 2]; 2]; 2], fractions: [f64; 3]) -> f32 {
    let [x, y, z] = fractions;
    let plane =
        |rows: [[f64; 2]; 2]| between(between(rows[0][0], rows[0][1], x), between(rows[1][0], rows[1][1], x), y);
    between(plane(corners[0]), plane(corners[1]), z) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_function_is_reproduced() {
        let corners = [[[0.0, 1.0], [10.0, 11.0]], [[100.0, 101.0], [110.0, 111.0]]];
        assert_eq!(in_cell(corners, [0.25, 0.5, 0.75]), 80.25);
        assert_eq!(in_cell([[[3.0; 2]; 2]; 2], [0.1, 0.7, 0.3]), 3.0);
    }
}
