//! Rows of a map as the convolution kernels read them: with zeros beyond both ends, so that no tile has edges.

use std::ops::Range;

/// Sizes of the map that is read.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// `[batch, D, H, W, channels]`.
    pub map: &'a [f32],
    pub size: [usize; 3],
    pub channels: usize,
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
    fn row_len(&self) -> usize {
        (self.margin[0] + self.size[2] + self.margin[1]) * self.channels
    }

    /// Scratch that [`Self::rows`] needs for so many planes and rows of each.
    pub fn scratch_len(&self, planes: usize, rows: usize) -> usize {
        if self.margin == [0, 0] { 0 } else { planes * rows * self.row_len() }
    }

    /// The given rows of the given planes of one image: in place where no margin is wanted, else copied to `scratch`.
    pub fn rows(&self, image: usize, d: Range<usize>, h: Range<usize>, scratch: &mut [f32]) -> Rows {
        let [depth, height, width] = self.size;
        let values = width * self.channels;
        let image = &self.map[image * depth * height * values..][..depth * height * values];
        if self.margin == [0, 0] {
            return Rows { origin: image.as_ptr(), plane: height * values, row: values };
        }
        let row = self.row_len();
        let start = self.margin[0] * self.channels;
        let mut copies = scratch.chunks_exact_mut(row);
        for plane in d.clone() {
            for (line, copy) in h.clone().zip(&mut copies) {
                copy[..start].fill(0.0);
                copy[start..start + values].copy_from_slice(&image[(plane * height + line) * values..][..values]);
                copy[start + values..].fill(0.0);
            }
        }
        let plane = h.len() * row;
        let origin = scratch.as_ptr().wrapping_add(start).wrapping_sub(d.start * plane + h.start * row);
        Rows { origin, plane, row }
    }
}
