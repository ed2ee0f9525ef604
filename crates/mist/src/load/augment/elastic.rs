//! Elastic deformation.

use mist_nn::random::{Place, Purpose, Stream};

/// Bends a patch by a smooth random displacement: a cubic B-spline through a coarse lattice of control points (Rueckert et
/// al., "Nonrigid registration using free-form deformations", IEEE TMI 18, 1999), in physical proportion.
///
/// Control points lie a third of the patch's longest side apart; each is displaced by up to `strength` of that distance
/// along every axis, uniformly. Below 0.4 the deformation is one to one, so nothing is folded or torn (Choi and Lee,
/// "Injectivity conditions of 2D and 3D uniform cubic B-spline functions", Graphical Models 62, 2000). Probability 0.2;
/// strength uniform in [0, 0.4]. Not for patches with distance maps: bending changes distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elastic {
    /// Largest displacement of a control point along an axis, relative to the distance of the points.
    pub strength: f64,
    /// Key of the displacements, so that applying is a pure function.
    pub key: u64,
}

impl Elastic {
    const PROBABILITY: f64 = 0.2;
    const STRENGTH: (f64, f64) = (0.0, 0.4);
    const CELLS: f64 = 3.0;

    /// Coin, then strength and key.
    pub fn draw(stream: &mut Stream) -> Option<Self> {
        (stream.uniform() < Self::PROBABILITY)
            .then(|| Self { strength: stream.uniform_in(Self::STRENGTH.0, Self::STRENGTH.1), key: stream.next_u64() })
    }

    /// Distance of the control points in mm, for a patch of this size and spacing.
    fn distance(size: [usize; 3], spacing: [f64; 3]) -> f64 {
        [0, 1, 2].map(|axis| size[axis] as f64 * spacing[axis]).into_iter().fold(0.0, f64::max) / Self::CELLS
    }

    /// The most that a voxel is displaced along each axis, in voxels.
    pub fn reach(&self, size: [usize; 3], spacing: [f64; 3]) -> [f64; 3] {
        spacing.map(|spacing_along| self.strength * Self::distance(size, spacing) / spacing_along)
    }

    /// The displacements in a patch of this size and spacing.
    pub fn field(&self, size: [usize; 3], spacing: [f64; 3]) -> Field {
        let distance = Self::distance(size, spacing);
        let taps = [0, 1, 2].map(|axis| -> Vec<Taps> {
            (0..size[axis]).map(|i| Taps::at(i as f64 * spacing[axis] / distance)).collect()
        });
        let points = [0, 1, 2].map(|axis| taps[axis].last().map_or(0, |last| last.first + 4));
        let reach = self.reach(size, spacing);
        let mut stream = Stream::new(self.key, Purpose::Augmentation, Place::default());
        let displacement = |_| reach.map(|reach| stream.uniform_in(-reach, reach));
        let displacements = (0..points.iter().product()).map(displacement).collect();
        Field { taps, points, displacements }
    }
}

/// The four control points that a position depends on along an axis.
#[derive(Debug)]
struct Taps {
    first: usize,
    weights: [f64; 4],
}

impl Taps {
    /// Of a position in units of the distance of control points; the first one lies at -1.
    fn at(position: f64) -> Self {
        let t = position.fract();
        let weights = [
            (1.0 - t).powi(3) / 6.0,
            (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
            (1.0 + 3.0 * t + 3.0 * t * t - 3.0 * t * t * t) / 6.0,
            t * t * t / 6.0,
        ];
        Self { first: position as usize, weights }
    }
}

/// Displacements of the voxels of a patch.
#[derive(Debug)]
pub struct Field {
    taps: [Vec<Taps>; 3],
    points: [usize; 3],
    /// Of the control points, in voxels along x, y and z.
    displacements: Vec<[f64; 3]>,
}

impl Field {
    /// Displacements, in voxels, of the voxels of the row along z at `x`, `y`.
    pub fn row(&self, x: usize, y: usize, row: &mut [[f64; 3]]) {
        // Along x and y first, which all voxels of the row share.
        let mut line = vec![[0.0; 3]; self.points[2]];
        let (along_x, along_y) = (&self.taps[0][x], &self.taps[1][y]);
        for (i, weight_x) in along_x.weights.iter().enumerate() {
            for (j, weight_y) in along_y.weights.iter().enumerate() {
                let start = ((along_x.first + i) * self.points[1] + along_y.first + j) * self.points[2];
                for (sum, point) in line.iter_mut().zip(&self.displacements[start..]) {
                    for axis in 0..3 {
                        sum[axis] += weight_x * weight_y * point[axis];
                    }
                }
            }
        }
        for (displacement, along_z) in row.iter_mut().zip(&self.taps[2]) {
            let near = &line[along_z.first..along_z.first + 4];
            *displacement = [0, 1, 2]
                .map(|axis| along_z.weights.iter().zip(near).map(|(weight, point)| weight * point[axis]).sum());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(elastic: Elastic, size: [usize; 3], spacing: [f64; 3]) -> Vec<[f64; 3]> {
        let field = elastic.field(size, spacing);
        let mut all = vec![[0.0; 3]; size.iter().product()];
        for (i, row) in all.chunks_mut(size[2]).enumerate() {
            field.row(i / size[1], i % size[1], row);
        }
        all
    }

    #[test]
    fn displacements_stay_within_their_reach_and_are_not_nothing() {
        let (size, spacing) = ([12, 20, 7], [2.0, 1.0, 3.0]);
        let elastic = Elastic { strength: 0.4, key: 3 };
        // The longest side is 24 mm, so points are 8 mm apart and move by 3.2 mm.
        let reach = elastic.reach(size, spacing);
        for (found, expected) in reach.into_iter().zip([1.6, 3.2, 3.2 / 3.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
        let field = all(elastic, size, spacing);
        for axis in 0..3 {
            let largest = field.iter().map(|voxel| voxel[axis].abs()).fold(0.0, f64::max);
            assert!(largest > 0.1 * reach[axis] && largest <= reach[axis], "{largest}");
        }
        assert!(all(Elastic { strength: 0.0, ..elastic }, size, spacing).iter().all(|voxel| *voxel == [0.0; 3]));
    }

    #[test]
    fn the_strongest_deformation_never_folds() {
        let size = [18; 3];
        for key in 0..20 {
            let field = all(Elastic { strength: 0.4, key }, size, [1.0; 3]);
            let at = |x: usize, y: usize, z: usize| field[(x * 18 + y) * 18 + z];
            for (x, y, z) in (0..17 * 17 * 17).map(|i| (i / 289, i / 17 % 17, i % 17)) {
                let here = at(x, y, z);
                let ahead = [at(x + 1, y, z), at(x, y + 1, z), at(x, y, z + 1)];
                // Columns of the Jacobian of voxel + displacement.
                let [a, b, c] = [0, 1, 2]
                    .map(|axis| [0, 1, 2].map(|i| ahead[axis][i] - here[i] + if i == axis { 1.0 } else { 0.0 }));
                let determinant = a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1])
                    + c[0] * (a[1] * b[2] - a[2] * b[1]);
                assert!(determinant > 0.0, "{key}: {determinant}");
            }
        }
    }
}
