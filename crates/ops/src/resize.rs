//! Up-sampling without weights.

use crate::apply;
use crate::feature_map::FeatureMap;
use crate::operation::{Context, Keeps, Operation, Output, View, grid};
use mist_kernels::{nearest, trilinear};

#[derive(Debug)]
struct Nearest {
    batch: usize,
    size: [usize; 3],
    channels: usize,
    factor: [usize; 3],
}

impl Operation for Nearest {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 0, output: false }
    }

    fn name(&self) -> String {
        format!("nearest by {}, {} channels, {}", grid(self.factor), self.channels, grid(self.size))
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        let size = |axis: usize| self.size[axis] * self.factor[axis];
        vec![self.batch, size(0), size(1), size(2), self.channels]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let values = nearest::upsample(self.batch, self.size, self.channels, self.factor, inputs[0].values);
        Output::plain(values)
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

#[derive(Debug)]
struct Trilinear {
    batch: usize,
    input: [usize; 3],
    output: [usize; 3],
    channels: usize,
}

impl Operation for Trilinear {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 0, output: false }
    }

    fn name(&self) -> String {
        format!("trilinear to {}, {} channels, {}", grid(self.output), self.channels, grid(self.input))
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        let [a, b, c] = self.output;
        vec![self.batch, a, b, c, self.channels]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let Self { batch, input, output, channels } = *self;
        let values = trilinear::resize(batch, input, output, channels, inputs[0].values);
        Output::plain(values)
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let Self { batch, input, output, channels } = *self;
        vec![Some(trilinear::resize_gradient(batch, input, output, channels, context.gradient))]
    }
}

/// Resizes to `size` voxels by linear interpolation along every axis, half-pixel centres.
pub fn resize_trilinear(x: &FeatureMap, size: [usize; 3]) -> FeatureMap {
    if x.size() == size {
        return x.clone();
    }
    let operation = Trilinear { batch: x.batch(), input: x.size(), output: size, channels: x.channels() };
    FeatureMap::new(apply::unary(operation, x.tensor()))
}
