//! The truth of a batch, shared by all heads of a step.

use mist_ops::{Device, Encoding, Tensor, TensorData};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Weight of the first term of a composite loss where no schedule is given.
const DEFAULT_ALPHA: f64 = 0.5;

/// Why labels, distance maps and logits do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The numbers of voxels differ.
    #[error("{labels} labels for logits of {voxels} voxels")]
    Size {
        /// Number of labels.
        labels: usize,
        /// Voxels of the logits, over the batch.
        voxels: usize,
    },
    /// A label stands for no output.
    #[error("label {label} at voxel {voxel} is none of those that the {outputs} outputs of the network stand for")]
    Label {
        /// The label.
        label: u8,
        /// Flat position.
        voxel: usize,
        /// Number of outputs.
        outputs: usize,
    },
    /// Losses need a background and at least one other class, or a region.
    #[error("the network has {0} outputs; at least 2 classes or 1 region are needed")]
    Outputs(usize),
    /// The loss needs distance maps and there are none.
    #[error("the loss needs distance maps and got none")]
    NoDistanceMaps,
    /// Distance maps of another size.
    #[error("distance maps have {found} values, expected {expected}")]
    DistanceMaps {
        /// Values given.
        found: usize,
        /// Voxels of the batch times outputs.
        expected: usize,
    },
}

/// Labels, distance maps and the weight of a step. Axes of all tensors are `[batch, voxel, output]`.
pub struct Target {
    labels: Arc<[u8]>,
    encoding: Encoding,
    device: Device,
    truth: OnceCell<Tensor<3>>,
    counting: OnceCell<Option<Tensor<3>>>,
    pub(super) size: [usize; 3],
    alpha: f64,
    distance_maps: Option<Tensor<3>>,
    derived: RefCell<BTreeMap<String, Tensor<3>>>,
}

impl Target {
    /// `labels` are known to the encoding, in `[batch, axis 0, axis 1, axis 2]` order; the last three extents are `size`.
    pub fn new(labels: &[u8], size: [usize; 3], encoding: &Encoding, device: &Device) -> Result<Self, TargetError> {
        let outputs = encoding.outputs();
        if outputs <= encoding.first_foreground() {
            return Err(TargetError::Outputs(outputs));
        }
        let voxels: usize = size.iter().product();
        if voxels == 0 || !labels.len().is_multiple_of(voxels) {
            return Err(TargetError::Size { labels: labels.len(), voxels });
        }
        let wrong = labels.iter().enumerate().find(|(_, label)| !encoding.knows(**label));
        if let Some((voxel, &label)) = wrong {
            return Err(TargetError::Label { label, voxel, outputs });
        }
        Ok(Self {
            labels: labels.into(),
            encoding: encoding.clone(),
            device: device.clone(),
            truth: OnceCell::new(),
            counting: OnceCell::new(),
            size,
            alpha: DEFAULT_ALPHA,
            distance_maps: None,
            derived: RefCell::default(),
        })
    }

    /// Sets the weight α of the first term of composite losses.
    pub fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// Adds signed distances in `[batch, axis 0, axis 1, axis 2, output]` order, negative inside. The background's are dropped: no
    /// loss reads them.
    pub fn with_distance_maps(self, values: Vec<f32>) -> Result<Self, TargetError> {
        let [batch, voxels, outputs] = self.shape();
        let (found, expected) = (values.len(), batch * voxels * outputs);
        if found != expected {
            return Err(TargetError::DistanceMaps { found, expected });
        }
        let maps = Tensor::<3>::from_data(TensorData::new(values, [batch, voxels, outputs]), &self.device);
        let first = self.encoding.first_foreground();
        Ok(Self { distance_maps: Some(maps.narrow(2, first, outputs - first)), ..self })
    }

    /// Samples of the batch, voxels of each, and outputs.
    pub(super) fn shape(&self) -> [usize; 3] {
        let voxels = self.size.iter().product::<usize>();
        [self.labels.len() / voxels, voxels, self.encoding.outputs()]
    }

    /// Label of every voxel, as the encoding knows them.
    pub fn labels(&self) -> &Arc<[u8]> {
        &self.labels
    }

    /// What labels and outputs mean.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// The truth of all outputs: one-hot for classes, multi-hot for regions, all 0 where the label is ignored.
    pub fn truth(&self) -> Tensor<3> {
        let compute = || {
            let outputs = self.encoding.outputs();
            let mut values = vec![0.0f32; self.labels.len() * outputs];
            for (&label, row) in self.labels.iter().zip(values.chunks_exact_mut(outputs)) {
                if let Some(truth) = self.encoding.truth(label) {
                    row.copy_from_slice(truth);
                }
            }
            Tensor::from_data(TensorData::new(values, self.shape()), &self.device)
        };
        self.truth.get_or_init(compute).clone()
    }

    /// 1 for voxels that count and 0 for those whose label is ignored, alike for all outputs; nothing if all count.
    pub(super) fn counting(&self) -> Option<Tensor<3>> {
        let compute = || {
            let ignored = self.encoding.ignored().filter(|ignored| self.labels.contains(ignored))?;
            let [batch, voxels, outputs] = self.shape();
            let values: Vec<f32> = self.labels.iter().map(|label| if *label == ignored { 0.0 } else { 1.0 }).collect();
            let counting = Tensor::<3>::from_data(TensorData::new(values, [batch, voxels, 1]), &self.device);
            Some(counting.repeat_dim(2, outputs))
        };
        self.counting.get_or_init(compute).clone()
    }

    /// Extents of the grid, in voxels.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Weight of the first term of a composite loss, for this epoch.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Signed distance maps of the foreground classes.
    pub fn distance_maps(&self) -> Result<Tensor<3>, TargetError> {
        self.distance_maps.clone().ok_or(TargetError::NoDistanceMaps)
    }

    /// What a loss derives from the labels alone, computed for the first head and kept for the others. The name says what it is,
    /// with every parameter that it depends on.
    pub fn derived(&self, name: impl Into<String>, derive: impl FnOnce() -> Tensor<3>) -> Tensor<3> {
        let name = name.into();
        if let Some(kept) = self.derived.borrow().get(&name) {
            return kept.clone();
        }
        let value = derive();
        self.derived.borrow_mut().insert(name, value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let device = crate::for_inference();
        let target = |labels: &[u8], classes| Target::new(labels, [2, 1, 1], &Encoding::classes(classes), &device);
        assert_eq!(target(&[0, 1], 1).err(), Some(TargetError::Outputs(1)));
        assert_eq!(target(&[0, 1, 0], 2).err(), Some(TargetError::Size { labels: 3, voxels: 2 }));
        assert_eq!(target(&[0, 2], 2).err(), Some(TargetError::Label { label: 2, voxel: 1, outputs: 2 }));
        let fits = target(&[0, 1], 2).unwrap();
        assert_eq!(fits.distance_maps().err(), Some(TargetError::NoDistanceMaps));
        assert_eq!(
            fits.with_distance_maps(vec![0.0; 3]).err(),
            Some(TargetError::DistanceMaps { found: 3, expected: 4 })
        );
    }

    #[test]
    fn what_is_derived_from_the_labels_is_computed_once() {
        let target = Target::new(&[0, 1], [2, 1, 1], &Encoding::classes(2), &crate::for_inference()).unwrap();
        let mut calls = 0;
        for _ in 0..3 {
            target.derived("copy", || {
                calls += 1;
                target.truth()
            });
        }
        assert_eq!(calls, 1);
    }
}
