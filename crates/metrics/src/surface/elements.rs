//! The corners at which a mask has surface.

use rayon::prelude::*;

/// Surface elements of one mask, in ascending order of corner.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SurfaceElements {
    /// Index on the lattice of voxel corners, x fastest; corner `(i, j, k)` is the common one of the voxels
    /// `i−1, i` × `j−1, j` × `k−1, k`.
    pub(crate) corners: Vec<usize>,
    /// Area in mm².
    pub(crate) areas: Vec<f64>,
}

impl SurfaceElements {
    /// Elements of a mask (x fastest) of `size` voxels: the corners whose eight voxels are neither all inside nor all
    /// outside. Voxels beyond the mask count as outside. `areas` is the area of each of the 256 patterns.
    pub(crate) fn of(mask: &[bool], size: [usize; 3], areas: &[f64]) -> Self {
        let [nx, ny, nz] = size;
        let row = |y: usize, z: usize| {
            // Row −1 wraps to the largest number and is outside as well.
            (y < ny && z < nz).then(|| &mask[nx * (y + ny * z)..nx * (y + ny * z) + nx])
        };
        let planes: Vec<Self> = (0..nz + 1)
            .into_par_iter()
            .map(|k| {
                let mut elements = Self::default();
                for j in 0..ny + 1 {
                    let (y, z) = (j.wrapping_sub(1), k.wrapping_sub(1));
                    let rows = [row(y, z), row(y, k), row(j, z), row(j, k)];
                    if rows.iter().flatten().all(|row| !row.contains(&true)) {
                        continue;
                    }
                    let start = (nx + 1) * (j + (ny + 1) * k);
                    elements.add_row(rows, nx, start, areas);
                }
                elements
            })
            .collect();
        let mut all = Self::default();
        for plane in planes {
            all.corners.extend(plane.corners);
            all.areas.extend(plane.areas);
        }
        all
    }

    /// The corners of one line along x. `rows` are the voxel rows `(q, r)` = (0,0), (0,1), (1,0), (1,1) around it.
    fn add_row(&mut self, rows: [Option<&[bool]>; 4], nx: usize, start: usize, areas: &[f64]) {
        // The code is 2^(7 − 4p − 2q − r) summed over the voxels inside: its high half is the four voxels before the
        // corner (p = 0), its low half the four after it.
        let mut before = 0_usize;
        for i in 0..nx + 1 {
            let mut after = 0;
            for (position, row) in rows.iter().enumerate() {
                let inside = row.and_then(|row| row.get(i)).is_some_and(|&inside| inside);
                after |= usize::from(inside) << (3 - position);
            }
            let code = before << 4 | after;
            if code != 0 && code != 255 {
                self.corners.push(start + i);
                self.areas.push(areas[code]);
            }
            before = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::areas;

    #[test]
    fn one_voxel_has_its_eight_corners() {
        let elements = SurfaceElements::of(&[true], [1; 3], &areas::of_codes([1.0; 3]));
        assert_eq!(elements.corners, (0..8).collect::<Vec<_>>());
        let one = 3.0_f64.sqrt() / 8.0;
        assert!(elements.areas.iter().all(|area| (area - one).abs() < 1e-15));
    }

    #[test]
    fn corners_inside_and_outside_are_left_out() {
        // A full 2x2x2 cube in a grid of 3x2x2: the corner in its middle sees only the inside.
        let mask = [true, true, false].repeat(4);
        let elements = SurfaceElements::of(&mask, [3, 2, 2], &areas::of_codes([1.0; 3]));
        assert_eq!(elements.corners.len(), 26);
        assert!(!elements.corners.contains(&(1 + 4 * (1 + 3))));
        assert!(elements.corners.iter().all(|corner| corner % 4 != 3));
    }
}
