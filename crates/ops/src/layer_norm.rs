//! Layer normalisation over the channels of each voxel.

use crate::apply;
use crate::feature_map::FeatureMap;
use crate::operation::{Context, Keeps, Operation, Output, View};
use burn::tensor::Tensor;
use mist_kernels::layer_norm as kernel;

/// Inputs: `x` and, where it is affine, scale and shift.
#[derive(Debug)]
struct LayerNorm {
    voxels: usize,
    channels: usize,
    eps: f32,
}

impl Operation for LayerNorm {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 2, output: false }
    }

    fn name(&self) -> String {
        format!("layer norm, {} channels, {} voxels", self.channels, self.voxels)
    }

    fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        inputs[0].to_vec()
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let affine = (inputs.len() == 3).then(|| [inputs[1].values, inputs[2].values]);
        Output::plain(kernel::forward(self.channels, inputs[0].values, affine, self.eps))
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let scale = context.inputs.get(1).map(|scale| scale.values);
        let gradients = kernel::backward(self.channels, context.inputs[0].values, scale, self.eps, context.gradient);
        let affine = scale.map(|_| [Some(gradients.gamma), Some(gradients.beta)]);
        std::iter::once(Some(gradients.x)).chain(affine.into_iter().flatten()).collect()
    }
}

/// `scale · (x − mean)/√(variance + eps) + shift` over the channels of each voxel (Ba, Kiros and Hinton 2016; biased
/// variance). `affine` is scale and shift, one value per channel; without it they are 1 and 0.
pub fn layer_norm(x: &FeatureMap, affine: Option<[Tensor<1>; 2]>, eps: f32) -> FeatureMap {
    let tensor = x.tensor();
    let [batch, a, b, c, channels] = tensor.dims();
    let operation = LayerNorm { voxels: batch * a * b * c, channels, eps };
    FeatureMap::new(match affine {
        Some([scale, shift]) => apply::ternary(operation, tensor, scale, shift),
        None => apply::unary(operation, tensor),
    })
}
