//! Rows of a map as the convolution kernels read them: with zeros beyond both ends, so that no tile has edges, and
//! normalised, where a norm is pending.

use std::ops::Range;

use super::Part;
use crate::instance_norm::apply_to;
use crate::simd::Isa;

/// A map whose rows are read.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// The map, `[batch, D, H, W, channels]`, and its norm if that is pending.
    pub part: Part<'a>,
    /// Its voxels per axis.
    pub size: [usize; 3],
    /// Voxels that are read before the start and after the end of a row.
    pub margin: [usize; 2],
}

/// Where rows are: the first voxel of row `(d, h)` is at `origin + d * plane + h * row`.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    origin: *const f32,
    plane: usize,
    row: usize,
}

impl Rows {
    /// First voxel of a row; valid only for rows that were asked for.
    #[inline(always)]
    pub fn at(&self, d: usize, h: usize) -> *const f32 {
        self.origin.wrapping_add(d * self.plane + h * self.row)
    }
}

impl Source<'_> {
    /// Values of one row with its margins.
    pub fn row_len(&self) -> usize {
        (self.margin[0] + self.size[2] + self.margin[1]) * self.part.channels
    }

    /// Whether rows can be read where they are.
    fn is_in_place(&self) -> bool {
        self.margin == [0, 0] && self.part.norm.is_none()
    }

    /// Scratch that [`Self::rows`] needs for so many planes and rows of each.
    pub fn scratch_len(&self, planes: usize, rows: usize) -> usize {
        if self.is_in_place() { 0 } else { planes * rows * self.row_len() }
    }

    /// The given rows of the given planes of one image: in place where that is possible, else copied to `scratch`.
    pub fn rows(&self, isa: Isa, image: usize, d: Range<usize>, h: Range<usize>, scratch: &mut [f32]) -> Rows {
        let [depth, height, width] = self.size;
        let Part { map, channels, norm } = self.part;
        let values = width * channels;
        let map = &map[image * depth * height * values..][..depth * height * values];
        if self.is_in_place() {
            return Rows { origin: map.as_ptr(), plane: height * values, row: values };
        }
        let row = self.row_len().max(1);
        let start = self.margin[0] * channels;
        let mut copies = scratch.chunks_exact_mut(row);
        for plane in d.clone() {
            for (line, copy) in h.clone().zip(&mut copies) {
                let from = &map[(plane * height + line) * values..][..values];
                let (before, rest) = copy.split_at_mut(start);
                let (inside, after) = rest.split_at_mut(values);
                before.fill(0.0);
                after.fill(0.0);
                match norm {
                    Some(norm) => apply_to(isa, norm, image, from, inside),
                    None => inside.copy_from_slice(from),
                }
            }
        }
        let plane = h.len() * row;
        let origin = scratch.as_ptr().wrapping_add(start).wrapping_sub(d.start * plane + h.start * row);
        Rows { origin, plane, row }
    }
}
