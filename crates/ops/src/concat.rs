//! Two maps of the same grid as one.

use crate::apply;
use crate::feature_map::{FeatureMap, Form, SharedMoments};
use crate::operation::{Context, Keeps, Operation, Output, View};
use burn::tensor::Tensor;
use mist_kernels::channels;

#[derive(Debug)]
struct Concat {
    first: usize,
    second: usize,
    voxels: usize,
}

impl Operation for Concat {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 0, output: false }
    }

    fn name(&self) -> String {
        format!("concat, {} + {} channels, {} voxels", self.first, self.second, self.voxels)
    }

    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        let mut shape = inputs[0].to_vec();
        shape[4] = self.first + self.second;
        shape
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let (first, second) = (inputs[0].values, inputs[1].values);
        Output::plain(channels::concat(self.voxels, self.first, first, self.second, second))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let (first, second) = channels::split(self.voxels, self.first, self.second, context.gradient);
        vec![Some(first), Some(second)]
    }
}

/// A map with the channels of both.
pub(crate) fn join(first: Tensor<5>, second: Tensor<5>) -> Tensor<5> {
    let ([batch, a, b, c, channels], [.., second_channels]) = (first.dims(), second.dims());
    let operation = Concat { first: channels, second: second_channels, voxels: batch * a * b * c };
    apply::binary(operation, first, second)
}

/// Joins two maps of the same grid along the channels, `first` before `second`; no value is moved before a layer asks for
/// the map as a whole.
pub fn concat(first: &FeatureMap, second: &FeatureMap) -> FeatureMap {
    FeatureMap { form: Form::Joined(Box::new([first.tensor(), second.tensor()])), moments: SharedMoments::default() }
}
