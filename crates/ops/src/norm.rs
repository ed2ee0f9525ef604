//! Instance normalisation fused with the activation and the residual addition that follow it.

use crate::apply;
use crate::feature_map::{FeatureMap, Form, PendingNorm, SharedMoments};
use crate::operation::{Context, Keeps, Operation, Output, View};
use burn::tensor::Tensor;
use mist_kernels::instance_norm::Statistics;
use mist_kernels::{Activation, instance_norm as kernel};

/// `activation(scale · (x − mean)/√(variance + eps) + shift + residual)` per sample and channel
/// (Ulyanov, Vedaldi and Lempitsky 2016; biased variance).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InstanceNorm {
    /// Added to the variance.
    pub eps: f32,
    /// Applied last.
    pub activation: Activation,
}

#[derive(Debug)]
struct NormOperation {
    shape: kernel::NormShape,
    norm: InstanceNorm,
    has_residual: bool,
    moments: SharedMoments,
}

impl Operation for NormOperation {
    fn keeps(&self) -> Keeps {
        // Not the residual, whose gradient is that before the activation; the output only where that has a say in it.
        Keeps { inputs: 3, output: self.has_residual }
    }

    fn name(&self) -> String {
        format!("instance norm, {} channels, {} voxels", self.shape.channels, self.shape.voxels)
    }

    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        inputs[0].to_vec()
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let residual = inputs.get(3).map(|residual| residual.values);
        let [x, scale, shift] = [0, 1, 2].map(|index| inputs[index].values);
        let statistics = statistics(&self.moments, &self.shape, x, self.norm.eps);
        let norm = kernel::Pending::new(&self.shape, &statistics, scale, shift, self.norm.activation);
        let values = kernel::apply(&norm, x, residual);
        Output { values, saved: vec![statistics.mean, statistics.rstd] }
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let statistics = kernel::Statistics { mean: context.saved[0].to_vec(), rstd: context.saved[1].to_vec() };
        let [x, scale, shift] = [0, 1, 2].map(|index| context.inputs[index].values);
        let norm = kernel::Pending::new(&self.shape, &statistics, scale, shift, self.norm.activation);
        let by_input = |gradients: kernel::Gradients| [gradients.x, gradients.gamma, gradients.beta].map(Some);
        if !self.has_residual {
            return by_input(kernel::backward(&norm, x, scale, context.gradient)).into();
        }
        let (gradients, residual) = kernel::backward_residual(&norm, x, scale, context.output, context.gradient);
        by_input(gradients).into_iter().chain([Some(residual)]).collect()
    }
}

/// Normalises `x`; `scale` and `shift` have one value per channel.
pub fn instance_norm(
    x: &FeatureMap,
    scale: Tensor<1>,
    shift: Tensor<1>,
    residual: Option<&FeatureMap>,
    norm: InstanceNorm,
) -> FeatureMap {
    let shape = kernel::NormShape { batch: x.batch(), voxels: x.size().iter().product(), channels: x.channels() };
    let (tensor, moments) = x.tensor_with_moments();
    let operation = NormOperation { shape, norm, has_residual: residual.is_some(), moments };
    FeatureMap::new(match residual {
        Some(residual) => apply::quaternary(operation, tensor, scale, shift, residual.tensor()),
        None => apply::ternary(operation, tensor, scale, shift),
    })
}

/// [`instance_norm`] without a residual, left to the one layer that reads the map (see [`FeatureMap`]).
pub fn pending_instance_norm(x: &FeatureMap, scale: Tensor<1>, shift: Tensor<1>, norm: InstanceNorm) -> FeatureMap {
    let (tensor, moments) = x.tensor_with_moments();
    let pending = Box::new(PendingNorm { scale, shift, norm });
    FeatureMap { form: Form::Pending(tensor, pending), moments }
}

/// The statistics of `x`, from its moments if they are known.
pub(crate) fn statistics(moments: &SharedMoments, shape: &kernel::NormShape, x: &[f32], eps: f32) -> Statistics {
    moments.get().map_or_else(|| kernel::statistics(shape, x, eps), |moments| moments.statistics(eps))
}
