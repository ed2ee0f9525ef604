//! How the work is cut into boxes of rows, and the copy of what a box reads.

use std::ops::Range;

use super::axis::Axis;

/// Channels of one job: a cache line, so that no two jobs write to the same one.
pub(super) const GROUP: usize = 16;
/// Floats of the copied rows for a whole group: a second-level cache of 512 KiB.
const COPY: usize = 128 * 1024;
/// Planes and rows of a box, the best first: larger boxes copy less per output voxel.
const EXTENTS: [[usize; 2]; 5] = [[4, 16], [2, 16], [1, 16], [1, 8], [1, 4]];

/// A map of which some rows are copied, one vector of channels at a time, with zeros on both sides of each row.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// `[batch, D, H, W, channels]`.
    pub map: &'a [f32],
    pub size: [usize; 3],
    pub channels: usize,
    /// Zero voxels before a row, and voxels of a copied row with those before and after it.
    pub before: usize,
    pub row: usize,
}

impl Source<'_> {
    /// Copies channels `channels` of the given rows of one image to `[planes][rows][row][lanes]`.
    pub fn copy(
        &self,
        image: usize,
        d: Range<usize>,
        h: Range<usize>,
        channels: Range<usize>,
        lanes: usize,
        copy: &mut [f32],
    ) {
        let [depth, height, width] = self.size;
        let mut rows = copy.chunks_exact_mut(self.row * lanes);
        for plane in d {
            for (line, copy) in h.clone().zip(&mut rows) {
                let first = ((image * depth + plane) * height + line) * width * self.channels;
                let voxels = self.map[first..][..width * self.channels].chunks_exact(self.channels);
                let (before, rest) = copy.split_at_mut(self.before * lanes);
                let (inside, after) = rest.split_at_mut(width * lanes);
                before.fill(0.0);
                after.fill(0.0);
                match lanes {
                    _ if channels.len() < lanes => {
                        for (voxel, copy) in voxels.zip(inside.chunks_exact_mut(lanes)) {
                            let (kept, rest) = copy.split_at_mut(channels.len());
                            kept.copy_from_slice(&voxel[channels.clone()]);
                            rest.fill(0.0);
                        }
                    }
                    // Of known length, a copy is one or two instructions.
                    8 => copy_voxels::<8>(voxels, channels.start, inside),
                    _ => copy_voxels::<16>(voxels, channels.start, inside),
                }
            }
        }
    }
}

fn copy_voxels<'a, const LANES: usize>(voxels: impl Iterator<Item = &'a [f32]>, first: usize, copy: &mut [f32]) {
    for (voxel, copy) in voxels.zip(copy.as_chunks_mut::<LANES>().0) {
        copy.copy_from_slice(&voxel[first..first + LANES]);
    }
}

/// Boxes of output rows. Their extents depend on the shape only.
#[derive(Clone, Copy)]
pub(super) struct Boxes {
    depth: usize,
    height: usize,
    planes: usize,
    rows: usize,
    /// Most source rows that a box reads.
    source_rows: usize,
}

/// The output rows of one box, in one image.
pub(super) struct Rows {
    pub image: usize,
    pub d: Range<usize>,
    pub h: Range<usize>,
}

impl Boxes {
    /// Boxes whose copies of `row` voxels per source row fit the cache.
    pub fn new(d: &Axis, h: &Axis, row: usize) -> Self {
        let source_rows = |[planes, rows]: [usize; 2]| d.most_read(planes) * h.most_read(rows);
        let fits = |extents: &[usize; 2]| source_rows(*extents) * row * GROUP <= COPY;
        let [planes, rows] = EXTENTS.into_iter().find(fits).unwrap_or(EXTENTS[EXTENTS.len() - 1]);
        Self { depth: d.output, height: h.output, planes, rows, source_rows: source_rows([planes, rows]) }
    }

    /// Most source rows and most output rows of a box.
    pub fn most_rows(&self) -> (usize, usize) {
        (self.source_rows, self.planes * self.rows)
    }

    /// Boxes of one image.
    fn per_image(&self) -> usize {
        self.depth.div_ceil(self.planes) * self.height.div_ceil(self.rows)
    }

    /// Boxes of all images.
    pub fn count(&self, batch: usize) -> usize {
        batch * self.per_image()
    }

    /// Box number `index`.
    pub fn rows(&self, index: usize) -> Rows {
        let (image, index) = (index / self.per_image(), index % self.per_image());
        let columns = self.height.div_ceil(self.rows);
        let (d, h) = (index / columns * self.planes, index % columns * self.rows);
        Rows { image, d: d..(d + self.planes).min(self.depth), h: h..(h + self.rows).min(self.height) }
    }
}
