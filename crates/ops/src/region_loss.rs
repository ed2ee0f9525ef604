//! Cross entropy and soft Dice as one operation: composed of tensor operations they would take as long as some layers.

use crate::apply;
use crate::operation::{Context, Keeps, Operation, Output, View};
use burn::tensor::Tensor;
use mist_kernels::encoding::Encoding;
use mist_kernels::region_loss::{self as kernel, RegionSums};
use std::sync::Arc;

/// Factors of the two parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionLoss {
    /// Of the mean cross entropy over voxels; of classes by softmax, of regions each by sigmoid.
    pub cross_entropy: f64,
    /// Of the mean of `Σ(t − p)² / (Σt² + Σp² + ε)` over samples and outputs.
    pub dice: f64,
    /// First output of the Dice part.
    pub first_output: usize,
    /// ε.
    pub eps: f64,
}

#[derive(Debug)]
struct RegionLossOperation {
    loss: kernel::RegionLoss,
    labels: Arc<[u8]>,
}

impl Operation for RegionLossOperation {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 1, output: false }
    }

    fn name(&self) -> String {
        format!("cross entropy and Dice, {} outputs, {} voxels", self.loss.encoding.outputs(), self.loss.voxels)
    }

    fn shape(&self, _: &[&[usize]]) -> Vec<usize> {
        vec![1]
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let (value, sums) = kernel::forward(&self.loss, inputs[0].values, &self.labels);
        Output { values: vec![value], saved: vec![sums.error, sums.mass] }
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let sums = RegionSums { error: context.saved[0].to_vec(), mass: context.saved[1].to_vec() };
        let logits = context.inputs[0].values;
        vec![Some(kernel::backward(&self.loss, logits, &self.labels, &sums, context.gradient[0]))]
    }
}

/// The loss of `logits`, `[batch, voxel, output]`. There is a label that the encoding knows for every voxel.
pub fn region_loss(logits: Tensor<3>, labels: &Arc<[u8]>, encoding: &Encoding, loss: RegionLoss) -> Tensor<1> {
    let [batch, voxels, _] = logits.dims();
    let RegionLoss { cross_entropy, dice, first_output, eps } = loss;
    let encoding = encoding.clone();
    let loss = kernel::RegionLoss { batch, voxels, encoding, first_output, cross_entropy, dice, eps };
    apply::unary(RegionLossOperation { loss, labels: Arc::clone(labels) }, logits)
}
