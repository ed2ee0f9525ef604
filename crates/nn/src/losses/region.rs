//! What region losses compare: softmax probabilities with one-hot labels.

use mist_ops::{Device, FeatureMap, Tensor, TensorData, activation};

/// Which classes a loss averages over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classes {
    /// All, background included.
    All,
    /// All but class 0.
    Foreground,
}

/// Why labels and logits do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentationError {
    /// The numbers of voxels differ.
    #[error("{labels} labels for logits of {voxels} voxels")]
    Size {
        /// Number of labels.
        labels: usize,
        /// Voxels of the logits, over the batch.
        voxels: usize,
    },
    /// A label has no class.
    #[error("label {label} at voxel {voxel} is not below the number of classes, {classes}")]
    Label {
        /// The label.
        label: u8,
        /// Flat position.
        voxel: usize,
        /// Number of classes.
        classes: usize,
    },
    /// Losses need a background and at least one other class.
    #[error("logits have {0} classes; at least 2 are needed")]
    Classes(usize),
}

/// Labels of a batch as one-hot values `[batch, voxel, class]`, shared by all heads of a step.
#[derive(Clone)]
pub struct OneHot(Tensor<3>);

impl OneHot {
    /// `labels` in `[batch, axis 0, axis 1, axis 2]` order, values below `classes`.
    pub fn new(labels: &[u8], batch: usize, classes: usize, device: &Device) -> Result<Self, SegmentationError> {
        if classes < 2 {
            return Err(SegmentationError::Classes(classes));
        }
        let mut values = vec![0.0f32; labels.len() * classes];
        for (voxel, (&label, row)) in labels.iter().zip(values.chunks_exact_mut(classes)).enumerate() {
            match row.get_mut(usize::from(label)) {
                Some(value) => *value = 1.0,
                None => return Err(SegmentationError::Label { label, voxel, classes }),
            }
        }
        let shape = [batch, labels.len() / batch.max(1), classes];
        Ok(Self(Tensor::from_data(TensorData::new(values, shape), device)))
    }
}

/// One head's prediction beside the truth; axes `[batch, voxel, class]`.
pub struct Segmentation {
    /// One-hot labels.
    pub truth: Tensor<3>,
    /// Logits.
    pub logits: Tensor<3>,
    /// Softmax of the logits over all classes.
    pub probabilities: Tensor<3>,
}

impl Segmentation {
    /// Softmax first, over all classes.
    pub fn new(truth: &OneHot, logits: FeatureMap) -> Result<Self, SegmentationError> {
        let (batch, classes) = (logits.batch(), logits.channels());
        let voxels: usize = logits.size().iter().product();
        let [truth_batch, truth_voxels, _] = truth.0.dims();
        if [truth_batch, truth_voxels] != [batch, voxels] {
            return Err(SegmentationError::Size { labels: truth_batch * truth_voxels, voxels: batch * voxels });
        }
        let logits = logits.into_channels_last().reshape([batch, voxels, classes]);
        let probabilities = activation::softmax(logits.clone(), 2);
        Ok(Self { truth: truth.0.clone(), logits, probabilities })
    }
}
