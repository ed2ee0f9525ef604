//! A convolution of two maps as one: the joined map of a skip connection is never written, nor is its gradient.

use crate::apply;
use crate::feature_map::{FeatureMap, SharedMoments};
use crate::kernel::{Kept, Kernel};
use crate::operation::{Context, Keeps, Operation, Output, View, grid};
use burn::tensor::Tensor;
use mist_kernels::conv::{self, ConvShape, Input};

#[derive(Debug)]
struct JoinedConvOperation {
    shape: ConvShape,
    /// Of the two maps.
    channels: [usize; 2],
    kept: Kept,
    /// Of the output.
    moments: SharedMoments,
}

/// Inputs: both maps, weight.
impl Operation for JoinedConvOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 3, output: false }
    }

    fn name(&self) -> String {
        let ([first, second], ConvShape { input, out_channels, kernel, .. }) = (self.channels, self.shape);
        format!("conv {}, {first} + {second} → {out_channels}, {}", grid(kernel), grid(input))
    }

    fn operations(&self) -> f64 {
        self.shape.operations()
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        let [a, b, c] = self.shape.output();
        vec![self.shape.batch, a, b, c, self.shape.out_channels]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let input = Input::Joined([inputs[0].values, inputs[1].values]);
        let values = self.kept.forward_measured(&self.shape, input, inputs[2].values, &self.moments);
        Output::plain(values)
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let [first, second, weight] = [0, 1, 2].map(|index| context.inputs[index].values);
        let input = Input::Joined([first, second]);
        let weight_gradient = context.wanted[2].then(|| conv::weight_gradient(&self.shape, input, context.gradient));
        let [first, second] = conv::input_gradients(&self.shape, context.gradient, weight, self.channels);
        vec![Some(first), Some(second), weight_gradient]
    }
}

/// The convolution of both maps, for a shape that the kernels read in place.
pub(crate) fn joined_conv3d(shape: ConvShape, maps: [Tensor<5>; 2], kernel: Kernel) -> FeatureMap {
    let channels = maps.each_ref().map(|map| map.dims()[4]);
    let [first, second] = maps;
    let moments = SharedMoments::default();
    let operation = JoinedConvOperation { shape, channels, kept: kernel.kept, moments: moments.clone() };
    FeatureMap::measured(apply::ternary(operation, first, second, kernel.tensor), moments)
}
