//! Finding a box in an image, cutting it out, and putting it back.

use crate::geometry::Geometry;
use crate::volume::Volume;
use rayon::prelude::*;

/// A box of voxels inside an image, in the image's own axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundingBox {
    /// First voxel along x, y, z.
    pub start: [usize; 3],
    /// Last voxel along x, y, z, **inclusive**.
    pub end: [usize; 3],
    /// Size of the image that the box was found in.
    pub original_size: [usize; 3],
}

/// Why a box does not fit an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoxError {
    /// The box is empty or reaches beyond the image.
    #[error("the box {start:?} to {end:?} (inclusive) does not lie in an image of {size:?} voxels")]
    Outside {
        /// First voxel of the box.
        start: [usize; 3],
        /// Last voxel of the box.
        end: [usize; 3],
        /// Size of the image.
        size: [usize; 3],
    },
    /// The box was found in an image of another size.
    #[error("the box belongs to an image of {expected:?} voxels, not {found:?}")]
    OtherImage {
        /// Size of the image that the box was found in.
        expected: [usize; 3],
        /// Size of the image at hand.
        found: [usize; 3],
    },
    /// The image to put back has not the size of the box.
    #[error("the box holds {expected:?} voxels, not {found:?}")]
    OtherContent {
        /// Size of the box.
        expected: [usize; 3],
        /// Size of the image to put back.
        found: [usize; 3],
    },
}

impl BoundingBox {
    /// The box that holds all of an image.
    pub fn whole(size: [usize; 3]) -> Self {
        Self { start: [0; 3], end: size.map(|n| n.saturating_sub(1)), original_size: size }
    }

    /// Voxels along x, y, z.
    pub fn size(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| (self.end[axis] + 1).saturating_sub(self.start[axis]))
    }

    /// Number of voxels in the box.
    pub fn voxel_count(&self) -> usize {
        self.size().iter().product()
    }

    /// Checks that the box is not empty and lies in its image.
    pub fn check(&self) -> Result<(), BoxError> {
        let fits = (0..3).all(|axis| self.start[axis] <= self.end[axis] && self.end[axis] < self.original_size[axis]);
        if fits {
            Ok(())
        } else {
            Err(BoxError::Outside { start: self.start, end: self.end, size: self.original_size })
        }
    }
}

/// Smallest box that holds all voxels of which `wanted` is true; nothing if there are none.
pub fn box_where<T: Copy + Sync>(volume: &Volume<T>, wanted: impl Fn(T) -> bool + Sync) -> Option<BoundingBox> {
    let size = volume.size();
    if size.contains(&0) {
        return None;
    }
    let rows = volume.voxels().par_chunks_exact(size[0]).enumerate();
    let extents = rows.filter_map(|(row, values)| {
        let first = values.iter().position(|&value| wanted(value))?;
        let last = values.iter().rposition(|&value| wanted(value)).unwrap_or(first);
        let (y, z) = (row % size[1], row / size[1]);
        Some(([first, y, z], [last, y, z]))
    });
    let union = extents.reduce_with(|a, b| {
        let each = |choose: fn(usize, usize) -> usize, a: [usize; 3], b: [usize; 3]| {
            [0, 1, 2].map(|axis| choose(a[axis], b[axis]))
        };
        (each(usize::min, a.0, b.0), each(usize::max, a.1, b.1))
    });
    union.map(|(start, end)| BoundingBox { start, end, original_size: size })
}

/// Cuts the box out. The origin moves to the box's first voxel.
pub fn crop<T: Copy>(volume: &Volume<T>, bounding_box: &BoundingBox) -> Result<Volume<T>, BoxError> {
    bounding_box.check()?;
    if volume.size() != bounding_box.original_size {
        return Err(BoxError::OtherImage { expected: bounding_box.original_size, found: volume.size() });
    }
    let size = bounding_box.size();
    let [x0, y0, z0] = bounding_box.start;
    let mut voxels = Vec::with_capacity(bounding_box.voxel_count());
    for z in z0..=bounding_box.end[2] {
        for y in y0..=bounding_box.end[1] {
            let row = volume.offset([x0, y, z]);
            voxels.extend_from_slice(&volume.voxels()[row..row + size[0]]);
        }
    }
    let origin = volume.geometry().physical_point(bounding_box.start.map(|i| i as f64));
    Ok(Volume::assembled(Geometry { size, origin, ..*volume.geometry() }, voxels))
}

/// Puts a cut-out box back into an image of its original size, `fill` elsewhere. The origin moves back too.
pub fn uncrop<T: Copy>(volume: &Volume<T>, bounding_box: &BoundingBox, fill: T) -> Result<Volume<T>, BoxError> {
    bounding_box.check()?;
    let size = bounding_box.size();
    if volume.size() != size {
        return Err(BoxError::OtherContent { expected: size, found: volume.size() });
    }
    let origin = volume.geometry().physical_point(bounding_box.start.map(|i| -(i as f64)));
    let geometry = Geometry { size: bounding_box.original_size, origin, ..*volume.geometry() };
    let mut whole = Volume::filled(geometry, fill);
    let [x0, y0, z0] = bounding_box.start;
    for z in 0..size[2] {
        for y in 0..size[1] {
            let (from, to) = (volume.offset([0, y, z]), whole.offset([x0, y0 + y, z0 + z]));
            whole.voxels_mut()[to..to + size[0]].copy_from_slice(&volume.voxels()[from..from + size[0]]);
        }
    }
    Ok(whole)
}
