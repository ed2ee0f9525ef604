//! Instance normalisation fused with the activation and the residual addition that follow it.

use crate::apply;
use crate::feature_map::{FeatureMap, Form, PendingNorm, SharedMoments};
use crate::operation::{Context, Keeps, Operation, Output, View};
use burn::tensor::Tensor;
use mist_kernels::conv::Input;
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
    moments: SharedMoments,
    residual: Residual,
}

/// What is added before the activation.
#[derive(Debug)]
enum Residual {
    None,
    Map,
    /// A map whose own norm is pending, with its moments.
    Pending(InstanceNorm, SharedMoments),
}

/// Inputs: `x`, scale and shift of its norm, the residual if there is one, and scale and shift of that if it is pending.
impl Operation for NormOperation {
    fn keeps(&self) -> Keeps {
        match self.residual {
            // The output only where the residual has a say in the activation.
            Residual::None => Keeps { inputs: 3, output: false },
            // Not the residual, whose gradient is that before the activation.
            Residual::Map => Keeps { inputs: 3, output: true },
            Residual::Pending(..) => Keeps { inputs: 6, output: true },
        }
    }

    fn name(&self) -> String {
        let what = match self.residual {
            Residual::Pending(..) => "sum of two instance norms",
            Residual::None | Residual::Map => "instance norm",
        };
        format!("{what}, {} channels, {} voxels", self.shape.channels, self.shape.voxels)
    }

    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        inputs[0].to_vec()
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let [x, scale, shift] = [0, 1, 2].map(|index| inputs[index].values);
        let of_x = statistics(&self.moments, &self.shape, x, self.norm.eps);
        let norm = kernel::Pending::new(&self.shape, &of_x, scale, shift, self.norm.activation);
        if let Residual::Pending(InstanceNorm { eps, activation }, moments) = &self.residual {
            let [residual, scale, shift] = [3, 4, 5].map(|index| inputs[index].values);
            let of_residual = statistics(moments, &self.shape, residual, *eps);
            let pending = kernel::Pending::new(&self.shape, &of_residual, scale, shift, *activation);
            let values = kernel::apply(&norm, x, Some(Input::Pending(residual, &pending)));
            return Output { values, saved: vec![of_x.mean, of_x.rstd, of_residual.mean, of_residual.rstd] };
        }
        let values = kernel::apply(&norm, x, inputs.get(3).map(|residual| Input::Map(residual.values)));
        Output { values, saved: vec![of_x.mean, of_x.rstd] }
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let saved = |index: usize| {
            let [mean, rstd] = [index, index + 1].map(|index| context.saved[index].to_vec());
            Statistics { mean, rstd }
        };
        let of_x = saved(0);
        let [x, scale, shift] = [0, 1, 2].map(|index| context.inputs[index].values);
        let norm = kernel::Pending::new(&self.shape, &of_x, scale, shift, self.norm.activation);
        let by_input = |gradients: kernel::Gradients| [gradients.x, gradients.gamma, gradients.beta].map(Some);
        if matches!(self.residual, Residual::None) {
            return by_input(kernel::backward(&norm, x, scale, context.gradient)).into();
        }
        let (gradients, of_sum) = kernel::backward_residual(&norm, x, scale, context.output, context.gradient);
        let gradients = by_input(gradients).into_iter();
        let Residual::Pending(InstanceNorm { activation, .. }, _) = self.residual else {
            return gradients.chain([Some(of_sum)]).collect();
        };
        let of_residual = saved(2);
        let [residual, scale, shift] = [3, 4, 5].map(|index| context.inputs[index].values);
        let pending = kernel::Pending::new(&self.shape, &of_residual, scale, shift, activation);
        gradients.chain(by_input(kernel::backward(&pending, residual, scale, &of_sum))).collect()
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
    let operation = |residual: Residual| NormOperation { shape, norm, moments, residual };
    FeatureMap::new(match residual.map(|residual| (&residual.form, residual)) {
        None => apply::ternary(operation(Residual::None), tensor, scale, shift),
        Some((Form::Pending(map, pending), residual)) => {
            let PendingNorm { scale: of_residual, shift: second_shift, norm } = pending.as_ref().clone();
            let operation = operation(Residual::Pending(norm, residual.moments.clone()));
            apply::senary(operation, tensor, scale, shift, map.clone(), of_residual, second_shift)
        }
        Some((_, residual)) => apply::quaternary(operation(Residual::Map), tensor, scale, shift, residual.tensor()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv, Device, Gradients, add, conv3d, for_training, parameter};

    const SHAPE: [usize; 5] = [2, 5, 6, 7, 9];

    fn values(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.0 - 1.0).collect()
    }

    /// Output and gradients of an operation on two maps, two pairs of norm parameters, a weight and a bias.
    fn passes(operation: impl Fn([FeatureMap; 2], [Tensor<1>; 6]) -> FeatureMap) -> Vec<Vec<f32>> {
        let device: Device = for_training();
        let (voxels, channels) = (SHAPE[..4].iter().product::<usize>(), SHAPE[4]);
        let lengths = [voxels * channels, voxels * channels, channels, channels, channels, channels, 4 * channels, 4];
        let inputs: Vec<Tensor<1>> =
            lengths.iter().enumerate().map(|(seed, len)| parameter(values(*len, seed), &device)).collect();
        let maps = [0, 1].map(|index| FeatureMap::new(inputs[index].clone().reshape(SHAPE)));
        let y = operation(maps, std::array::from_fn(|index| inputs[2 + index].clone())).into_channels_last();
        let factors = Tensor::<1>::from_floats(&values(y.dims().iter().product(), 9)[..], &device).reshape(y.dims());
        let mut gradients = Gradients::of(&(y.clone() * factors).sum());
        let of_inputs = inputs.iter().map(|input| gradients.take(input).unwrap_or_default());
        std::iter::once(crate::parameter::values_of(y)).chain(of_inputs).collect()
    }

    fn assert_close(ours: &[Vec<f32>], theirs: &[Vec<f32>]) {
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(ours.len(), theirs.len());
            let norm = theirs.iter().map(|value| value * value).sum::<f32>().sqrt();
            let difference = ours.iter().zip(theirs).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
            assert!(difference <= 1e-5 * norm, "{difference} of {norm}");
        }
    }

    fn norm(activation: Activation) -> InstanceNorm {
        InstanceNorm { eps: 1e-5, activation }
    }

    #[test]
    fn a_residual_may_be_pending() {
        for activation in [Activation::Identity, Activation::LeakyRelu(0.1)] {
            let sum = |settles: bool| {
                passes(|[x, residual], [scale, shift, second_scale, second_shift, ..]| {
                    let residual = pending_instance_norm(&residual, second_scale, second_shift, norm(activation));
                    let residual = if settles { residual.settled() } else { residual };
                    instance_norm(&x, scale, shift, Some(&residual), norm(Activation::LeakyRelu(0.01)))
                })
            };
            let (pending, settled) = (sum(false), sum(true));
            assert!(pending[1..7].iter().all(|gradient| !gradient.is_empty()), "a gradient is missing");
            assert_close(&pending, &settled);
        }
    }

    #[test]
    fn a_convolution_with_a_bias_reads_a_pending_norm() {
        let conv = Conv { out_channels: 4, kernel: [1; 3], stride: [1; 3], padding: [0; 3], groups: 1 };
        let convolved = |settles: bool| {
            passes(|[x, other], [scale, shift, _, _, weight, bias]| {
                let normed = pending_instance_norm(&add(&x, &other), scale, shift, norm(Activation::LeakyRelu(0.01)));
                let normed = if settles { normed.settled() } else { normed };
                conv3d(&normed, weight, Some(bias), conv)
            })
        };
        let (pending, settled) = (convolved(false), convolved(true));
        assert!(pending[7..].iter().all(|gradient| !gradient.is_empty()), "a gradient is missing");
        assert_close(&pending, &settled);
    }
}
