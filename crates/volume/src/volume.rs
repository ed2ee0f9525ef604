//! An image: voxel values together with their geometry.

use crate::geometry::Geometry;

/// The number of values is not what the geometry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a grid of {}x{}x{} voxels cannot hold {values} values", size[0], size[1], size[2])]
pub struct ShapeError {
    /// Size of the grid.
    pub size: [usize; 3],
    /// Number of values given.
    pub values: usize,
}

/// A 3D image: `geometry.size` voxels, x fastest. The number of voxels always agrees with the geometry.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume<T> {
    geometry: Geometry,
    voxels: Vec<T>,
}

impl<T> Volume<T> {
    /// Joins values (x fastest) and geometry; their sizes must agree.
    pub fn new(geometry: Geometry, voxels: Vec<T>) -> Result<Self, ShapeError> {
        let declared = geometry.size.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        if declared != Some(voxels.len()) {
            return Err(ShapeError { size: geometry.size, values: voxels.len() });
        }
        Ok(Self { geometry, voxels })
    }

    /// An image whose voxels are computed from their index (x, y, z).
    pub fn from_fn(geometry: Geometry, mut value: impl FnMut([usize; 3]) -> T) -> Self {
        let mut voxels = Vec::with_capacity(geometry.voxel_count());
        for z in 0..geometry.size[2] {
            for y in 0..geometry.size[1] {
                voxels.extend((0..geometry.size[0]).map(|x| value([x, y, z])));
            }
        }
        Self { geometry, voxels }
    }

    /// For operations of this crate that compute the voxels of `geometry` themselves.
    pub(crate) fn assembled(geometry: Geometry, voxels: Vec<T>) -> Self {
        debug_assert_eq!(geometry.voxel_count(), voxels.len());
        Self { geometry, voxels }
    }

    /// Grid of the image.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Voxels along x, y, z.
    pub fn size(&self) -> [usize; 3] {
        self.geometry.size
    }

    /// All values, x fastest.
    pub fn voxels(&self) -> &[T] {
        &self.voxels
    }

    /// All values, x fastest, to be changed in place.
    pub fn voxels_mut(&mut self) -> &mut [T] {
        &mut self.voxels
    }

    /// Takes the image apart.
    pub fn into_parts(self) -> (Geometry, Vec<T>) {
        (self.geometry, self.voxels)
    }

    /// Position in [`voxels`](Self::voxels) of the voxel at `index`, which must lie inside the image.
    pub fn offset(&self, index: [usize; 3]) -> usize {
        index[0] + self.geometry.size[0] * (index[1] + self.geometry.size[1] * index[2])
    }

    /// Value at (x, y, z), or `None` outside.
    pub fn get(&self, index: [usize; 3]) -> Option<&T> {
        let inside = index.iter().zip(self.geometry.size).all(|(&i, n)| i < n);
        if inside { self.voxels.get(self.offset(index)) } else { None }
    }

    /// The same voxels at another place in the world: spacing, origin and direction are replaced.
    pub fn placed(self, spacing: [f64; 3], origin: [f64; 3], direction: [[f64; 3]; 3]) -> Self {
        let geometry = Geometry { size: self.geometry.size, spacing, origin, direction };
        Self { geometry, voxels: self.voxels }
    }

    /// An image on the same grid, every value converted.
    pub fn map<U>(&self, convert: impl FnMut(&T) -> U) -> Volume<U> {
        Volume { geometry: self.geometry, voxels: self.voxels.iter().map(convert).collect() }
    }
}

impl<T: Clone> Volume<T> {
    /// An image of one value.
    pub fn filled(geometry: Geometry, value: T) -> Self {
        Self { geometry, voxels: vec![value; geometry.voxel_count()] }
    }
}

impl Volume<f32> {
    /// Index (x, y, z) and value of the first voxel that is NaN or infinite, if there is one.
    pub fn first_non_finite(&self) -> Option<([usize; 3], f32)> {
        let (offset, &value) = self.voxels.iter().enumerate().find(|(_, value)| !value.is_finite())?;
        let [nx, ny, _] = self.geometry.size;
        Some(([offset % nx, offset / nx % ny, offset / nx / ny], value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_grid_must_agree() {
        let geometry = Geometry::axis_aligned([2, 3, 4], [1.0; 3]);
        assert_eq!(Volume::new(geometry, vec![0_u8; 24]).unwrap().size(), [2, 3, 4]);
        let error = Volume::new(geometry, vec![0_u8; 23]).unwrap_err();
        assert_eq!(error.to_string(), "a grid of 2x3x4 voxels cannot hold 23 values");
        let huge = Geometry::axis_aligned([usize::MAX, 2, 1], [1.0; 3]);
        assert!(Volume::new(huge, vec![0_u8; 1]).is_err());
    }

    #[test]
    fn x_is_fastest() {
        let geometry = Geometry::axis_aligned([2, 3, 4], [1.0; 3]);
        let volume = Volume::from_fn(geometry, |[x, y, z]| x + 10 * y + 100 * z);
        assert_eq!(&volume.voxels()[..4], &[0, 1, 10, 11]);
        assert_eq!(volume.get([1, 2, 3]), Some(&321));
        assert_eq!(volume.get([2, 0, 0]), None);
    }

    #[test]
    fn the_first_bad_voxel_is_located() {
        let geometry = Geometry::axis_aligned([2, 3, 4], [1.0; 3]);
        let mut volume = Volume::filled(geometry, 1.0_f32);
        assert_eq!(volume.first_non_finite(), None);
        let offset = volume.offset([1, 2, 3]);
        volume.voxels_mut()[offset] = f32::INFINITY;
        assert_eq!(volume.first_non_finite(), Some(([1, 2, 3], f32::INFINITY)));
    }
}
