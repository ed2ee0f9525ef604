//! Blocks of 2×2×2 voxels as one voxel of eight times the channels, as Swin Transformers halve a grid.

use std::mem::MaybeUninit;

use crate::output::{filled_anywhere, filled_parts};

/// Offsets of a block's voxels along the axes, in the order of their channels: that of "patch merging" in MONAI 1.6.
const OFFSETS: [[usize; 3]; 8] =
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]];

/// Joins the blocks of `x`, `[batch, D, H, W, channels]` with even extents, to
/// `[batch, D / 2, H / 2, W / 2, 8 * channels]`.
pub fn merge(batch: usize, input: [usize; 3], channels: usize, x: &[f32]) -> Vec<f32> {
    let blocks = Blocks::new(batch, input, channels, x.len());
    let fill = |row: usize, part: &mut [MaybeUninit<f32>]| {
        for (index, voxel) in part.chunks_exact_mut(channels).enumerate() {
            voxel.write_copy_of_slice(&x[blocks.source(row, index / 8, index % 8)..][..channels]);
        }
    };
    // SAFETY: every voxel of the row is written whole.
    unsafe { filled_parts((0..blocks.rows()).map(|_| blocks.row_len()), fill) }
}

/// Gradient of [`merge`] with respect to `x`, whose shape is given, from the gradient `dy` of its output.
pub fn merge_gradient(batch: usize, input: [usize; 3], channels: usize, dy: &[f32]) -> Vec<f32> {
    let blocks = Blocks::new(batch, input, channels, dy.len());
    let row_len = blocks.row_len();
    let fill = |row: usize, dx: *mut f32| {
        for (index, voxel) in dy[row * row_len..][..row_len].chunks_exact(channels).enumerate() {
            // SAFETY: the voxel lies in the map, and belongs to one block only.
            unsafe {
                let target = dx.add(blocks.source(row, index / 8, index % 8));
                std::ptr::copy_nonoverlapping(voxel.as_ptr(), target, channels);
            }
        }
    };
    // SAFETY: the blocks of all rows are all voxels, each once.
    unsafe { filled_anywhere(dy.len(), blocks.rows(), fill) }
}

/// The blocks of a map.
struct Blocks {
    batch: usize,
    /// Extents of the grid of blocks.
    grid: [usize; 3],
    channels: usize,
}

impl Blocks {
    fn new(batch: usize, input: [usize; 3], channels: usize, len: usize) -> Self {
        assert!(input.iter().all(|extent| extent.is_multiple_of(2)), "blocks of two need even extents");
        assert_eq!(len, batch * input.iter().product::<usize>() * channels, "map does not match its shape");
        Self { batch, grid: input.map(|extent| extent / 2), channels }
    }

    fn rows(&self) -> usize {
        self.batch * self.grid[0] * self.grid[1]
    }

    fn row_len(&self) -> usize {
        self.grid[2] * 8 * self.channels
    }

    /// Where the voxel `corner` of a block of a row is in the map.
    fn source(&self, row: usize, block: usize, corner: usize) -> usize {
        let [_, height, width] = self.grid;
        let [a, b, c] = OFFSETS[corner];
        let plane = row / height * 2 + a;
        let line = plane * 2 * height + row % height * 2 + b;
        (line * 2 * width + 2 * block + c) * self.channels
    }
}
