//! Blocks of 2×2×2 voxels as one voxel.

use crate::apply;
use crate::feature_map::FeatureMap;
use crate::operation::{Context, Keeps, Operation, Output, View, grid};
use mist_kernels::patches as kernel;

#[derive(Debug)]
struct MergePatches {
    batch: usize,
    size: [usize; 3],
    channels: usize,
}

impl Operation for MergePatches {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 0, output: false }
    }

    fn name(&self) -> String {
        format!("merge patches, {} channels, {}", self.channels, grid(self.size))
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        let [a, b, c] = self.size;
        vec![self.batch, a / 2, b / 2, c / 2, 8 * self.channels]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        Output::plain(kernel::merge(self.batch, self.size, self.channels, inputs[0].values))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        vec![Some(kernel::merge_gradient(self.batch, self.size, self.channels, context.gradient))]
    }
}

/// Halves a grid of even extents by joining the channels of each block of 2×2×2 voxels, in the order of MONAI's patch
/// merging: offsets 000, 100, 010, 001, 110, 101, 011, 111.
pub fn merge_patches(x: &FeatureMap) -> FeatureMap {
    let operation = MergePatches { batch: x.batch(), size: x.size(), channels: x.channels() };
    FeatureMap::new(apply::unary(operation, x.tensor()))
}
