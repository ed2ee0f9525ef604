//! The truth of a batch, shared by all heads of a step.

use mist_ops::{Device, Tensor, TensorData};
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
    /// The loss needs distance maps and there are none.
    #[error("the loss needs distance maps and got none")]
    NoDistanceMaps,
    /// Distance maps of another size.
    #[error("distance maps have {found} values, expected {expected}")]
    DistanceMaps {
        /// Values given.
        found: usize,
        /// Voxels of the batch times classes.
        expected: usize,
    },
}

/// Labels, distance maps and the weight of a step. Axes of all tensors are `[batch, voxel, class]`.
pub struct Target {
    labels: Arc<[u8]>,
    classes: usize,
    device: Device,
    one_hot: OnceCell<Tensor<3>>,
    pub(super) size: [usize; 3],
    alpha: f64,
    distance_maps: Option<Tensor<3>>,
    derived: RefCell<BTreeMap<String, Tensor<3>>>,
}

impl Target {
    /// `labels` are classes below `classes` in `[batch, axis 0, axis 1, axis 2]` order; the last three extents are `size`.
    pub fn new(labels: &[u8], size: [usize; 3], classes: usize, device: &Device) -> Result<Self, TargetError> {
        if classes < 2 {
            return Err(TargetError::Classes(classes));
        }
        let voxels: usize = size.iter().product();
        if voxels == 0 || !labels.len().is_multiple_of(voxels) {
            return Err(TargetError::Size { labels: labels.len(), voxels });
        }
        let wrong = labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= classes);
        if let Some((voxel, &label)) = wrong {
            return Err(TargetError::Label { label, voxel, classes });
        }
        Ok(Self {
            labels: labels.into(),
            classes,
            device: device.clone(),
            one_hot: OnceCell::new(),
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

    /// Adds signed distances in `[batch, axis 0, axis 1, axis 2, class]` order, negative inside. The background's are dropped: no
    /// loss reads them.
    pub fn with_distance_maps(self, values: Vec<f32>) -> Result<Self, TargetError> {
        let [batch, voxels, classes] = self.shape();
        let (found, expected) = (values.len(), batch * voxels * classes);
        if found != expected {
            return Err(TargetError::DistanceMaps { found, expected });
        }
        let maps = Tensor::<3>::from_data(TensorData::new(values, [batch, voxels, classes]), &self.device);
        Ok(Self { distance_maps: Some(maps.narrow(2, 1, classes - 1)), ..self })
    }

    /// Samples of the batch, voxels of each, and classes.
    pub(super) fn shape(&self) -> [usize; 3] {
        let voxels = self.size.iter().product::<usize>();
        [self.labels.len() / voxels, voxels, self.classes]
    }

    /// Class of every voxel.
    pub fn labels(&self) -> &Arc<[u8]> {
        &self.labels
    }

    /// One-hot labels of all classes.
    pub fn one_hot(&self) -> Tensor<3> {
        let compute = || {
            let mut values = vec![0.0f32; self.labels.len() * self.classes];
            for (&label, row) in self.labels.iter().zip(values.chunks_exact_mut(self.classes)) {
                if let Some(value) = row.get_mut(usize::from(label)) {
                    *value = 1.0;
                }
            }
            Tensor::from_data(TensorData::new(values, self.shape()), &self.device)
        };
        self.one_hot.get_or_init(compute).clone()
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
        let target = |labels: &[u8], classes| Target::new(labels, [2, 1, 1], classes, &device);
        assert_eq!(target(&[0, 1], 1).err(), Some(TargetError::Classes(1)));
        assert_eq!(target(&[0, 1, 0], 2).err(), Some(TargetError::Size { labels: 3, voxels: 2 }));
        assert_eq!(target(&[0, 2], 2).err(), Some(TargetError::Label { label: 2, voxel: 1, classes: 2 }));
        let fits = target(&[0, 1], 2).unwrap();
        assert_eq!(fits.distance_maps().err(), Some(TargetError::NoDistanceMaps));
        assert_eq!(
            fits.with_distance_maps(vec![0.0; 3]).err(),
            Some(TargetError::DistanceMaps { found: 3, expected: 4 })
        );
    }

    #[test]
    fn what_is_derived_from_the_labels_is_computed_once() {
        let target = Target::new(&[0, 1], [2, 1, 1], 2, &crate::for_inference()).unwrap();
        let mut calls = 0;
        for _ in 0..3 {
            target.derived("copy", || {
                calls += 1;
                target.one_hot()
            });
        }
        assert_eq!(calls, 1);
    }
}
