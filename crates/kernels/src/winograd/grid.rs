//! How a map is cut into tiles.

use super::output::MOMENTS;
use crate::instance_norm::{Moments, NormShape, Part};

/// Tiles of an output map and the input voxels they read. Tiles are numbered with width fastest, then height, depth,
/// image.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub batch: usize,
    /// Voxels of the map that tiles read.
    pub source: [usize; 3],
    /// Voxels of the map that tiles cover.
    pub output: [usize; 3],
    /// A tile reads from `padding` voxels before its first output voxel on.
    pub padding: [usize; 3],
    /// Output voxels of a tile per axis, 2 or 4.
    pub tile: [usize; 3],
}

/// Place of a tile.
pub(super) struct Place {
    pub image: usize,
    /// First output voxel.
    pub start: [usize; 3],
}

impl Grid {
    fn tiles_per_axis(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.output[axis].div_ceil(self.tile[axis]))
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.batch * self.tiles_per_axis().iter().product::<usize>()
    }

    /// Frequencies, that is products per tile and pair of channels.
    pub fn frequencies(&self) -> usize {
        self.tile.iter().map(|outputs| outputs + 2).product()
    }

    /// Tiles from `index` to the end of its row.
    pub fn rest_of_row(&self, index: usize) -> usize {
        let per_row = self.tiles_per_axis()[2];
        per_row - index % per_row
    }

    pub fn place(&self, index: usize) -> Place {
        let [depth, height, width] = self.tiles_per_axis();
        let (row, w) = (index / width, index % width);
        let (plane, h) = (row / height, row % height);
        let tile = [plane % depth, h, w];
        Place { image: plane / depth, start: std::array::from_fn(|axis| tile[axis] * self.tile[axis]) }
    }

    /// The moments of all images, from those of the tiles, `[tile][3][channels]`.
    pub fn moments(&self, channels: usize, of_tiles: &[f32]) -> Moments {
        let shape = NormShape { batch: self.batch, voxels: self.output.iter().product(), channels };
        let per_image = self.tiles() / self.batch.max(1);
        Moments::new(&shape, |image| {
            let tiles = image * per_image..(image + 1) * per_image;
            tiles.zip(of_tiles.chunks_exact(MOMENTS * channels).skip(image * per_image)).map(|(tile, values)| {
                let (shift, sums) = values.split_at(channels);
                let (sum, squares) = sums.split_at(channels);
                Part { count: self.voxels_of(tile), shift, sum, squares }
            })
        })
    }

    /// Voxels of a tile that are inside the map.
    fn voxels_of(&self, tile: usize) -> usize {
        let start = self.place(tile).start;
        (0..3).map(|axis| self.tile[axis].min(self.output[axis] - start[axis])).product()
    }
}
