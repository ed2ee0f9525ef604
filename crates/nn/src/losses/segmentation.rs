//! What losses compare: softmax probabilities of one head with the truth.

use super::{Classes, Target, TargetError};
use mist_ops::{FeatureMap, RegionLoss, Tensor, activation, region_loss};
use std::cell::OnceCell;

/// One head's prediction beside the truth; axes `[batch, voxel, class]`.
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
        let (batch, classes) = (logits.batch(), logits.channels());
        let voxels: usize = logits.size().iter().product();
        let [truth_batch, truth_voxels, truth_classes] = target.shape();
        if logits.size() != target.size || truth_batch != batch {
            return Err(TargetError::Size { labels: truth_batch * truth_voxels, voxels: batch * voxels });
        }
        if truth_classes != classes {
            return Err(TargetError::Classes(classes));
        }
        let logits = logits.into_channels_last().reshape([batch, voxels, classes]);
        Ok(Self { target, logits, probabilities: OnceCell::new() })
    }

    /// Softmax of the logits over all classes.
    pub fn probabilities(&self) -> Tensor<3> {
        self.probabilities.get_or_init(|| activation::softmax(self.logits.clone(), 2)).clone()
    }

    /// Cross entropy and Dice of the logits.
    pub fn region_loss(&self, loss: RegionLoss) -> Tensor<1> {
        region_loss(self.logits.clone(), self.target.labels(), loss)
    }

    /// One-hot labels and probabilities of these classes; no renormalisation.
    pub fn of(&self, classes: Classes) -> (Tensor<3>, Tensor<3>) {
        let (truth, probabilities) = (self.target.one_hot(), self.probabilities());
        match classes {
            Classes::All => (truth, probabilities),
            Classes::Foreground => (without_background(truth), without_background(probabilities)),
        }
    }
}

fn without_background(tensor: Tensor<3>) -> Tensor<3> {
    let classes = tensor.dims()[2];
    tensor.narrow(2, 1, classes - 1)
}
