//! The activations that pass between layers, in a layout that only this crate knows.

use crate::concat::join;
use crate::norm::{InstanceNorm, instance_norm};
use burn::tensor::{Device, Tensor, TensorData};
use mist_kernels::instance_norm::Moments;
use mist_kernels::layout;
use std::sync::{Arc, OnceLock};

/// Activations of a batch of 3D grids. Opaque: layers ask for extents and combine maps, never for the layout.
///
/// Inside, channels are last: `[batch, axis 0, axis 1, axis 2, channel]`, the order of a case's `.npy` arrays. A map may
/// not be computed yet: a norm may be pending, or two maps be joined in name only. Convolutions read it as it is where they
/// can, and so does a norm that adds it, which saves writing and reading the map once; for all others it is computed, for
/// each of them again. So one
/// that several layers read should be [`settled`](Self::settled).
#[derive(Clone, Debug)]
pub struct FeatureMap {
    pub(crate) form: Form,
    /// Where the operation that made the map has left its moments, if it measured them.
    pub(crate) moments: SharedMoments,
}

/// Moments of a map, from the operation that makes it to the norm that follows.
pub(crate) type SharedMoments = Arc<OnceLock<Moments>>;

/// What a map consists of.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// Its values.
    Plain(Tensor<5>),
    /// Values whose norm and activation are still to be applied; the moments are those of the values.
    Pending(Tensor<5>, Box<PendingNorm>),
    /// The channels of two maps of the same grid, one after the other.
    Joined(Box<[Tensor<5>; 2]>),
}

/// The parameters of a norm that is not applied yet.
#[derive(Clone, Debug)]
pub(crate) struct PendingNorm {
    pub scale: Tensor<1>,
    pub shift: Tensor<1>,
    pub norm: InstanceNorm,
}

impl FeatureMap {
    /// From values in `[batch, axis 0, axis 1, axis 2, channel]` order, `shape` likewise.
    pub fn from_channels_last(values: Vec<f32>, shape: [usize; 5], device: &Device) -> Self {
        Self::new(Tensor::from_data(TensorData::new(values, shape), device))
    }

    /// From values in `[batch, channel, axis 0, axis 1, axis 2]` order, `shape` likewise.
    pub fn from_channels_first(values: &[f32], shape: [usize; 5], device: &Device) -> Self {
        let [batch, channels, a, b, c] = shape;
        let values = layout::channels_first_to_last(batch, channels, a * b * c, values);
        Self::from_channels_last(values, [batch, a, b, c, channels], device)
    }

    pub(crate) fn new(tensor: Tensor<5>) -> Self {
        Self::measured(tensor, SharedMoments::default())
    }

    /// A map whose moments are known.
    pub(crate) fn measured(tensor: Tensor<5>, moments: SharedMoments) -> Self {
        Self { form: Form::Plain(tensor), moments }
    }

    /// The values, computed now if they are not yet.
    pub(crate) fn tensor(&self) -> Tensor<5> {
        match &self.form {
            Form::Plain(tensor) => tensor.clone(),
            Form::Pending(x, pending) => {
                let PendingNorm { scale, shift, norm } = pending.as_ref();
                let x = Self::measured(x.clone(), self.moments.clone());
                instance_norm(&x, scale.clone(), shift.clone(), None, *norm).tensor()
            }
            Form::Joined(parts) => {
                let [first, second] = parts.as_ref().clone();
                join(first, second)
            }
        }
    }

    /// [`Self::tensor`], and where its moments are if they are known.
    pub(crate) fn tensor_with_moments(&self) -> (Tensor<5>, SharedMoments) {
        match &self.form {
            Form::Plain(tensor) => (tensor.clone(), self.moments.clone()),
            Form::Pending(..) | Form::Joined(_) => (self.tensor(), SharedMoments::default()),
        }
    }

    /// This map, computed if it was not yet: for maps that more than one layer reads.
    pub fn settled(self) -> Self {
        match self.form {
            Form::Plain(_) => self,
            Form::Pending(..) | Form::Joined(_) => Self::new(self.tensor()),
        }
    }

    /// Marks this map as one whose gradient is wanted, as tests of networks do for their input.
    pub fn require_gradient(self) -> Self {
        Self::new(self.tensor().require_grad())
    }

    /// One of its tensors; all have the same batch, grid and device.
    fn any(&self) -> &Tensor<5> {
        match &self.form {
            Form::Plain(tensor) | Form::Pending(tensor, _) => tensor,
            Form::Joined(parts) => &parts[0],
        }
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        self.any().device()
    }

    /// Samples in the batch.
    pub fn batch(&self) -> usize {
        self.any().dims()[0]
    }

    /// Extents of the grid, in voxels.
    pub fn size(&self) -> [usize; 3] {
        let [_, a, b, c, _] = self.any().dims();
        [a, b, c]
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        match &self.form {
            Form::Plain(tensor) | Form::Pending(tensor, _) => tensor.dims()[4],
            Form::Joined(parts) => parts.iter().map(|part| part.dims()[4]).sum(),
        }
    }

    /// As a tensor `[batch, axis 0, axis 1, axis 2, channel]`, for losses.
    pub fn into_channels_last(self) -> Tensor<5> {
        self.tensor()
    }

    /// The values in `[batch, axis 0, axis 1, axis 2, channel]` order.
    pub fn into_values(self) -> Vec<f32> {
        crate::parameter::values_of(self.tensor())
    }

    /// The values in `[batch, channel, axis 0, axis 1, axis 2]` order.
    pub fn to_channels_first(&self) -> Vec<f32> {
        let [a, b, c] = self.size();
        layout::channels_last_to_first(self.batch(), self.channels(), a * b * c, &self.clone().into_values())
    }
}
