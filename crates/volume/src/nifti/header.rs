//! What a NIfTI header says, in this crate's terms.

use super::datatype::Datatype;
use crate::geometry::Geometry;

/// Order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// A checked header.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Sizes along the file's axes, x first. Trailing sizes of 1 beyond the third are dropped, so that a 3D image has
    /// exactly three.
    pub dimensions: Vec<usize>,
    /// Spacing along the first three axes, mm. Never derived from the sform.
    pub spacing: [f64; 3],
    /// Position of the first voxel, LPS mm.
    pub origin: [f64; 3],
    /// `direction[world axis][image axis]`, LPS.
    pub direction: [[f64; 3]; 3],
    /// Type of the stored values.
    pub datatype: Datatype,
    /// Slope and intercept that make stored values real ones; `None` where values are used as stored.
    pub scaling: Option<(f64, f64)>,
    pub(super) byte_order: ByteOrder,
    pub(super) data_offset: u64,
}

impl Header {
    /// Grid of the first three axes. A missing axis counts as one voxel.
    pub fn geometry(&self) -> Geometry {
        let size = [0, 1, 2].map(|axis| self.dimensions.get(axis).copied().unwrap_or(1));
        Geometry { size, spacing: self.spacing, origin: self.origin, direction: self.direction }
    }

    /// Whether this is a single 3D image of scalars.
    pub fn is_3d(&self) -> bool {
        self.dimensions.len() == 3
    }
}
