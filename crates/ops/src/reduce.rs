//! Sums over many voxels that stay exact enough: blocks of f64, in an order that does not depend on threads.

use crate::apply;
use crate::operation::{Context, Keeps, Operation, Output, View};
use burn::tensor::Tensor;

#[derive(Debug)]
struct SumVoxels;

impl Operation for SumVoxels {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 0, output: false }
    }

    fn name(&self) -> String {
        "sum over voxels".to_owned()
    }

    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        vec![inputs[0][0], inputs[0][2]]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let [batch, voxels, channels] = [0, 1, 2].map(|axis| inputs[0].shape[axis]);
        let mut sums = vec![0.0f64; batch * channels];
        let samples = inputs[0].values.chunks_exact((voxels * channels).max(1));
        for (sums, sample) in sums.chunks_exact_mut(channels).zip(samples) {
            for voxel in sample.chunks_exact(channels) {
                for (sum, value) in sums.iter_mut().zip(voxel) {
                    *sum += f64::from(*value);
                }
            }
        }
        Output::plain(sums.into_iter().map(|sum| sum as f32).collect())
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let [_, voxels, channels] = [0, 1, 2].map(|axis| context.inputs[0].shape[axis]);
        let rows = context.gradient.chunks_exact(channels);
        vec![Some(rows.flat_map(|row| std::iter::repeat_n(row, voxels).flatten().copied()).collect())]
    }
}

/// Sums `[batch, voxel, channel]` over the voxels. An f32 sum would lose small terms from about a million voxels on.
pub fn sum_voxels(x: Tensor<3>) -> Tensor<2> {
    apply::unary(SumVoxels, x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gradients, for_training, parameter};

    #[test]
    fn twenty_million_ones_are_counted() {
        let count = 20_000_003;
        let ones = parameter(vec![1.0; count], &crate::for_inference()).reshape([1, count, 1]);
        assert_eq!(sum_voxels(ones).into_scalar::<f32>(), count as f32);
    }

    #[test]
    fn the_gradient_of_a_sum_is_one_for_every_term() {
        let x = parameter((0..12).map(|i| i as f32).collect(), &for_training());
        let sums = sum_voxels(x.clone().reshape([2, 3, 2]));
        assert_eq!(crate::parameter::values_of(sums.clone()), [6.0, 9.0, 24.0, 27.0]);
        let weighted = sums * Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &for_training());
        let gradient = Gradients::of(&weighted.sum()).take(&x).expect("a gradient");
        assert_eq!(gradient, [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0]);
    }
}
