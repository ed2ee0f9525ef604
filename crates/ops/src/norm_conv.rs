//! A convolution of a map whose instance norm is pending: the normalised map is never written.

use crate::apply;
use crate::feature_map::{FeatureMap, PendingNorm, SharedMoments};
use crate::kernel::{Kept, Kernel};
use crate::norm::{InstanceNorm, statistics};
use crate::operation::{Context, Keeps, Operation, Output, View, grid};
use burn::tensor::Tensor;
use mist_kernels::ConvShape;
use mist_kernels::bias_gradient;
use mist_kernels::conv::{self, Input};
use mist_kernels::instance_norm::{NormShape, Pending, Statistics, backward};

#[derive(Debug)]
struct NormConvOperation {
    shape: ConvShape,
    norm: InstanceNorm,
    kept: Kept,
    /// Of `x` before its norm, and of the output; none are measured where a bias is added.
    moments: [SharedMoments; 2],
}

impl NormConvOperation {
    /// Sizes of the map that is normalised.
    fn normalised(&self) -> NormShape {
        let ConvShape { batch, input, in_channels, .. } = self.shape;
        NormShape { batch, voxels: input.iter().product(), channels: in_channels }
    }
}

/// Inputs: `x` before its norm, weight, scale and shift of the norm, and the bias if there is one.
impl Operation for NormConvOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 4, output: false }
    }

    fn name(&self) -> String {
        let ConvShape { input, in_channels, out_channels, kernel, .. } = self.shape;
        format!("norm and conv {}, {in_channels} → {out_channels}, {}", grid(kernel), grid(input))
    }

    fn operations(&self) -> f64 {
        self.shape.operations()
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        let [a, b, c] = self.shape.output();
        vec![self.shape.batch, a, b, c, self.shape.out_channels]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let [x, weight, scale, shift] = [0, 1, 2, 3].map(|index| inputs[index].values);
        let statistics = statistics(&self.moments[0], &self.normalised(), x, self.norm.eps);
        let norm = Pending::new(&self.normalised(), &statistics, scale, shift, self.norm.activation);
        let (x, bias) = (Input::Pending(x, &norm), inputs.get(4).map(|bias| bias.values));
        let values = match bias {
            Some(_) => self.kept.forward(&self.shape, x, weight, bias),
            None => Some(self.kept.forward_measured(&self.shape, x, weight, &self.moments[1])),
        };
        let values = values.unwrap_or_else(|| conv::forward(&self.shape, x, weight, bias));
        Output { values, saved: vec![statistics.mean, statistics.rstd] }
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let [x, weight, scale, shift] = [0, 1, 2, 3].map(|index| context.inputs[index].values);
        let statistics = Statistics { mean: context.saved[0].to_vec(), rstd: context.saved[1].to_vec() };
        let norm = Pending::new(&self.normalised(), &statistics, scale, shift, self.norm.activation);
        let weight_gradient =
            context.wanted[1].then(|| conv::weight_gradient(&self.shape, Input::Pending(x, &norm), context.gradient));
        let dy = conv::input_gradient(&self.shape, context.gradient, weight);
        let gradients = backward(&norm, x, scale, &dy);
        let bias = context.wanted.get(4).map(|wanted| {
            let gradient = || bias_gradient(self.shape.out_channels, context.gradient);
            wanted.then(gradient)
        });
        let others = [Some(gradients.x), weight_gradient, Some(gradients.gamma), Some(gradients.beta)];
        others.into_iter().chain(bias).collect()
    }
}

/// The convolution of `x` with these moments, whose `norm` is pending, plus `bias`.
pub(crate) fn norm_conv3d(
    shape: ConvShape,
    x: Tensor<5>,
    moments: SharedMoments,
    norm: PendingNorm,
    kernel: Kernel,
    bias: Option<Tensor<1>>,
) -> FeatureMap {
    let PendingNorm { scale, shift, norm } = norm;
    let output = SharedMoments::default();
    let operation = NormConvOperation { shape, norm, kept: kernel.kept, moments: [moments, output.clone()] };
    let tensor = match bias {
        Some(bias) => apply::quinary(operation, x, kernel.tensor, scale, shift, bias),
        None => apply::quaternary(operation, x, kernel.tensor, scale, shift),
    };
    FeatureMap::measured(tensor, output)
}
