//! Up-sampling without weights.

use crate::apply;
use crate::feature_map::FeatureMap;
use crate::operation::{Context, Keeps, Operation, Output, View};
use mist_kernels::nearest;

#[derive(Debug)]
struct Nearest {
    batch: usize,
    size: [usize; 3],
    channels: usize,
    factor: [usize; 3],
}

impl Operation for Nearest {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: false, output: false }
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let values = nearest::upsample(self.batch, self.size, self.channels, self.factor, inputs[0].values);
        let size = |axis: usize| self.size[axis] * self.factor[axis];
        Output::plain(values, [self.batch, size(0), size(1), size(2), self.channels])
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let gradient = nearest::upsample_gradient(self.batch, self.size, self.channels, self.factor, context.gradient);
        vec![Some(gradient)]
    }
}

/// Repeats every voxel `factor` times along each axis.
pub fn upsample_nearest(x: &FeatureMap, factor: [usize; 3]) -> FeatureMap {
    if factor == [1; 3] {
        return x.clone();
    }
    let operation = Nearest { batch: x.batch(), size: x.size(), channels: x.channels(), factor };
    FeatureMap::new(apply::unary(operation, x.tensor()))
}
