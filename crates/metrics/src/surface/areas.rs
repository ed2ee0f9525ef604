//! How much surface belongs to a voxel corner, given which of its eight voxels are inside.
//!
//! The eight voxels around a corner form a cube of marching cubes, with vertices at the midpoints of its edges
//! (Lorensen and Cline, *Marching cubes*, SIGGRAPH 1987; used for surface distances by Nikolov et al.,
//! *Clinically applicable segmentation of head and neck anatomy for radiotherapy*, J. Med. Internet Res. 23, 2021).
//! Each of the 256 patterns has a few triangles. Their normals, as long as the triangles are large for unit voxels,
//! are the same up to sign and order for all patterns that a symmetry of the cube or an exchange of inside and
//! outside turns into one another, so 14 patterns say everything.

use std::sync::LazyLock;

/// A normal times 8, absolute values of x, y, z.
pub type Normal = [u8; 3];

/// Number of patterns of eight voxels.
pub const CODES: usize = 256;

/// One pattern of each class, with its normals times 8.
const CLASSES: [(u8, &[Normal]); 14] = [
    (0, &[]),
    (1, &[[1, 1, 1]]),
    (3, &[[2, 2, 0], [2, 2, 0]]),
    (6, &[[1, 1, 1], [1, 1, 1]]),
    (7, &[[4, 0, 0], [2, 2, 2], [1, 1, 1]]),
    (15, &[[4, 0, 0], [4, 0, 0]]),
    (22, &[[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
    (23, &[[1, 1, 1], [2, 2, 2], [2, 2, 2], [1, 1, 1]]),
    (24, &[[1, 1, 1], [1, 1, 1]]),
    (25, &[[0, 2, 2], [0, 2, 2], [1, 1, 1]]),
    (27, &[[1, 1, 1], [3, 3, 3], [0, 2, 2], [2, 0, 2]]),
    (30, &[[4, 0, 0], [1, 1, 1], [2, 2, 2], [1, 1, 1]]),
    (60, &[[2, 2, 0], [2, 2, 0], [2, 2, 0], [2, 2, 0]]),
    (105, &[[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]]),
];

const PERMUTATIONS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

static NORMALS: LazyLock<Vec<Vec<Normal>>> = LazyLock::new(|| {
    let mut table = vec![Vec::new(); CODES];
    for (code, normals) in CLASSES {
        for permutation in PERMUTATIONS {
            for flips in 0..8 {
                let moved = move_code(code, permutation, flips);
                let normals: Vec<Normal> = normals.iter().map(|normal| permutation.map(|axis| normal[axis])).collect();
                table[usize::from(!moved)].clone_from(&normals);
                table[usize::from(moved)] = normals;
            }
        }
    }
    table
});

/// Normals (times 8, absolute values) of each of the 256 codes.
pub fn normals() -> &'static [Vec<Normal>] {
    &NORMALS
}

/// Bit of the voxel `(p, q, r)` of the eight around a corner; 0 is the one before the corner along that axis.
pub(crate) fn voxel_bit(p: usize, q: usize, r: usize) -> u8 {
    1 << (7 - 4 * p - 2 * q - r)
}

/// The code after moving its voxels: axis `n` of the result is axis `permutation[n]` of `code`, then the axes in
/// `flips` (bit n = axis n) are mirrored.
fn move_code(code: u8, permutation: [usize; 3], flips: usize) -> u8 {
    let mut moved = 0;
    for voxel in 0..8 {
        let from = [voxel >> 2, voxel >> 1 & 1, voxel & 1];
        if code & voxel_bit(from[0], from[1], from[2]) != 0 {
            let to = [0, 1, 2].map(|axis| from[permutation[axis]] ^ (flips >> axis & 1));
            moved |= voxel_bit(to[0], to[1], to[2]);
        }
    }
    moved
}

/// Area in mm² of a surface element of each code, for voxels of `spacing` mm:
/// `Σ sqrt((nx·sy·sz)² + (ny·sx·sz)² + (nz·sx·sy)²)` over its normals.
pub fn of_codes(spacing: [f64; 3]) -> Vec<f64> {
    let [sx, sy, sz] = spacing;
    let faces = [sy * sz, sx * sz, sx * sy];
    let area = |normal: &Normal| {
        let [x, y, z] = [0, 1, 2].map(|axis| f64::from(normal[axis]) / 8.0 * faces[axis]);
        (x * x + y * y + z * z).sqrt()
    };
    normals().iter().map(|normals| normals.iter().map(area).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fourteen_patterns_cover_all() {
        for (code, normals) in normals().iter().enumerate() {
            assert_eq!(normals.is_empty(), code == 0 || code == 255, "code {code}");
        }
    }

    #[test]
    fn a_flat_surface_has_the_area_of_the_face() {
        // Inside before the corner along x, outside after: the plane x = const.
        let areas = of_codes([0.5, 2.0, 3.0]);
        assert_eq!(areas[0b1111_0000], 6.0);
        assert_eq!(areas[0b1100_1100], 1.5);
        assert_eq!(areas[0b1010_1010], 1.0);
    }
}
