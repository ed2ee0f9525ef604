//! The activations that pass between layers, in a layout that only this crate knows.

use crate::apply;
use crate::operation::{Context, Keeps, Operation, Output, View};
use burn::tensor::{Device, Tensor, TensorData};
use mist_kernels::{channels, layout};

/// Activations of a batch of 3D grids. Opaque: layers ask for extents and combine maps, never for the layout.
///
/// Inside, channels are last: `[batch, axis 0, axis 1, axis 2, channel]`, the order of a case's `.npy` arrays.
#[derive(Clone, Debug)]
pub struct FeatureMap {
    tensor: Tensor<5>,
}

impl FeatureMap {
    /// From values in `[batch, axis 0, axis 1, axis 2, channel]` order, `shape` likewise.
    pub fn from_channels_last(values: Vec<f32>, shape: [usize; 5], device: &Device) -> Self {
        Self { tensor: Tensor::from_data(TensorData::new(values, shape), device) }
    }

    /// From values in `[batch, channel, axis 0, axis 1, axis 2]` order, `shape` likewise.
    pub fn from_channels_first(values: &[f32], shape: [usize; 5], device: &Device) -> Self {
        let [batch, channels, a, b, c] = shape;
        let values = layout::channels_first_to_last(batch, channels, a * b * c, values);
        Self::from_channels_last(values, [batch, a, b, c, channels], device)
    }

    pub(crate) fn new(tensor: Tensor<5>) -> Self {
        Self { tensor }
    }

    pub(crate) fn tensor(&self) -> Tensor<5> {
        self.tensor.clone()
    }

    /// Marks this map as one whose gradient is wanted, as tests of networks do for their input.
    pub fn require_gradient(self) -> Self {
        Self { tensor: self.tensor.require_grad() }
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        self.tensor.device()
    }

    /// Samples in the batch.
    pub fn batch(&self) -> usize {
        self.tensor.dims()[0]
    }

    /// Extents of the grid, in voxels.
    pub fn size(&self) -> [usize; 3] {
        let [_, a, b, c, _] = self.tensor.dims();
        [a, b, c]
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.tensor.dims()[4]
    }

    /// As a tensor `[batch, axis 0, axis 1, axis 2, channel]`, for losses.
    pub fn into_channels_last(self) -> Tensor<5> {
        self.tensor
    }

    /// The values in `[batch, axis 0, axis 1, axis 2, channel]` order.
    pub fn into_values(self) -> Vec<f32> {
        crate::parameter::values_of(self.tensor)
    }

    /// The values in `[batch, channel, axis 0, axis 1, axis 2]` order.
    pub fn to_channels_first(&self) -> Vec<f32> {
        let [batch, a, b, c, channels] = self.tensor.dims();
        layout::channels_last_to_first(batch, channels, a * b * c, &self.clone().into_values())
    }
}

#[derive(Debug)]
struct Concat {
    first: usize,
    second: usize,
    voxels: usize,
}

impl Operation for Concat {
    fn keeps(&self) -> Keeps {
        Keeps { inputs: 0, output: false }
    }

    fn name(&self) -> String {
        format!("concat, {} + {} channels, {} voxels", self.first, self.second, self.voxels)
    }

    fn forward(&self, inputs: &[View<'_>]) -> Output {
        let mut shape = inputs[0].shape.to_vec();
        shape[4] = self.first + self.second;
        let values = channels::concat(self.voxels, self.first, inputs[0].values, self.second, inputs[1].values);
        Output::plain(values, shape)
    }

    fn backward(&self, context: &Context<'_>) -> Vec<Option<Vec<f32>>> {
        let (first, second) = channels::split(self.voxels, self.first, self.second, context.gradient);
        vec![Some(first), Some(second)]
    }
}

/// Joins two maps of the same grid along the channels, `first` before `second`.
pub fn concat(first: &FeatureMap, second: &FeatureMap) -> FeatureMap {
    let operation = Concat {
        first: first.channels(),
        second: second.channels(),
        voxels: first.batch() * first.size().iter().product::<usize>(),
    };
    FeatureMap::new(apply::binary(operation, first.tensor(), second.tensor()))
}
