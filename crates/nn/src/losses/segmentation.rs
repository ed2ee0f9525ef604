//! What losses compare: probabilities of one head with the truth.

use super::{Classes, Target, TargetError};
use mist_ops::{FeatureMap, RegionLoss, Tensor, activation, region_loss};
use std::cell::OnceCell;

/// Keeps the quotient of Dice finite for an output that is nowhere.
const EPS: f64 = 1e-6;

/// One head's prediction beside the truth; axes `[batch, voxel, output]`.
pub struct Segmentation<'a> {
    /// The truth, the same for all heads.
    pub target: &'a Target,
    /// Logits.
    pub logits: Tensor<3>,
    probabilities: OnceCell<Tensor<3>>,
}

impl<'a> Segmentation<'a> {
    /// Checks that they fit.
    pub fn new(target: &'a Target, logits: FeatureMap) -> Result<Self, TargetError> {
        let (batch, outputs) = (logits.batch(), logits.channels());
        let voxels: usize = logits.size().iter().product();
        let [truth_batch, truth_voxels, truth_outputs] = target.shape();
        if logits.size() != target.size || truth_batch != batch {
            return Err(TargetError::Size { labels: truth_batch * truth_voxels, voxels: batch * voxels });
        }
        if truth_outputs != outputs {
            return Err(TargetError::Outputs(outputs));
        }
        let logits = logits.into_channels_last().reshape([batch, voxels, outputs]);
        Ok(Self { target, logits, probabilities: OnceCell::new() })
    }

    /// Probabilities of all outputs: softmax over classes, sigmoid of each region; 0 where the label is ignored.
    pub fn probabilities(&self) -> Tensor<3> {
        let compute = || {
            let logits = self.logits.clone();
            let probabilities = match self.target.encoding().is_overlapping() {
                true => activation::sigmoid(logits),
                false => activation::softmax(logits, 2),
            };
            match self.target.counting() {
                Some(counting) => probabilities * counting,
                None => probabilities,
            }
        };
        self.probabilities.get_or_init(compute).clone()
    }

    /// Cross entropy and Dice of the logits, over the outputs of `classes`.
    pub fn region_loss(&self, cross_entropy: f64, dice: f64, classes: Classes) -> Tensor<1> {
        let encoding = self.target.encoding();
        let loss = RegionLoss { cross_entropy, dice, first_output: classes.first(encoding), eps: EPS };
        region_loss(self.logits.clone(), self.target.labels(), encoding, loss)
    }

    /// What most losses begin with: the truth, 1 where a voxel is of a class and 0 elsewhere, and the probabilities, softmax of
    /// the logits; both of these classes only, without renormalisation, `[batch, voxel, class]`.
    pub fn preprocess(&self, classes: Classes) -> (Tensor<3>, Tensor<3>) {
        let first = classes.first(self.target.encoding());
        let from_first = |tensor: Tensor<3>| {
            let outputs = tensor.dims()[2];
            tensor.narrow(2, first, outputs - first)
        };
        (from_first(self.target.truth()), from_first(self.probabilities()))
    }
}
