//! Arrays `[x][y][z][channel]`, channel fastest.

use crate::error::{Error, Result};

/// A volume with several values per voxel: intensities by channel, or logits or probabilities by class. Value of
/// channel `c` at voxel (x, y, z): `values[((x·ny + y)·nz + z)·channels + c]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelsLast {
    size: [usize; 3],
    channels: usize,
    values: Vec<f32>,
}

impl ChannelsLast {
    /// Joins values and sizes.
    ///
    /// # Errors
    /// If there is no voxel or channel, or the number of values is not their product.
    pub fn new(size: [usize; 3], channels: usize, values: Vec<f32>) -> Result<Self> {
        let declared = size.iter().try_fold(channels, |product, n| product.checked_mul(*n));
        if declared != Some(values.len()) || values.is_empty() {
            return Err(Error::new("the array does not have the size it should have")
                .because(format!("{} values for {size:?} voxels of {channels} channels", values.len())));
        }
        Ok(Self { size, channels, values })
    }

    /// Voxels along x, y, z.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Values per voxel.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All values.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, to be changed in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values alone.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Values of one plane x = const.
    pub(super) fn plane_len(&self) -> usize {
        self.size[1] * self.size[2] * self.channels
    }
}
