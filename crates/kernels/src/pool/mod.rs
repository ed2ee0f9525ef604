//! Max- and min-pooling in 3D, forward and backward.
//!
//! Windows are cut off at the border of the map. Of equal values the first in index order gets the gradient, and a NaN
//! wins over everything, as in PyTorch. The work is done on whole rows, one kernel entry after the other: with a
//! stride of 1, an entry meets one run of consecutive values whatever the number of channels.

mod backward;
mod choice;
mod forward;
mod runs;

use crate::conv::ConvShape;
use crate::simd::Isa;

/// What a window is reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extremum {
    /// Its largest value.
    Max,
    /// Its smallest value.
    Min,
}

/// Sizes of a pooling. Axis order everywhere: depth, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Images in the batch.
    pub batch: usize,
    /// Voxels of the input per axis.
    pub input: [usize; 3],
    /// Channels of input and output.
    pub channels: usize,
    /// Extent of the window per axis, at least 1.
    pub kernel: [usize; 3],
    /// Distance of windows per axis, at least 1.
    pub stride: [usize; 3],
    /// How far the first window begins before the map, per axis; at most half the kernel.
    pub padding: [usize; 3],
}

impl PoolShape {
    /// Voxels of the output per axis, as [`ConvShape::output`].
    pub fn output(&self) -> [usize; 3] {
        self.one_channel().output()
    }

    /// Length of the input slice.
    pub fn input_len(&self) -> usize {
        self.one_channel().input_len() * self.channels
    }

    /// Length of the output slice.
    pub fn output_len(&self) -> usize {
        self.one_channel().output_len() * self.channels
    }

    /// The convolution with the same windows.
    fn one_channel(&self) -> ConvShape {
        let Self { batch, input, kernel, stride, padding, .. } = *self;
        ConvShape { batch, input, in_channels: 1, out_channels: 1, kernel, stride, padding }
    }

    /// Panics if a window could lie outside the map.
    fn check(&self, x: &[f32]) {
        let reaches = |axis: usize| 2 * self.padding[axis] <= self.kernel[axis];
        assert!((0..3).all(reaches), "padding is more than half the kernel");
        assert_eq!(x.len(), self.input_len(), "input does not match its shape");
    }
}

/// `y[n, o, c] = extremum over k of x[n, o * stride + k - padding, c]`.
pub fn forward(extremum: Extremum, shape: &PoolShape, x: &[f32]) -> Vec<f32> {
    forward_on(Isa::best(), extremum, shape, x)
}

/// Gradient of [`forward`] with respect to `x`, from `x` and the gradient `dy` of the output.
pub fn input_gradient(extremum: Extremum, shape: &PoolShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    input_gradient_on(Isa::best(), extremum, shape, x, dy)
}

pub(crate) fn forward_on(isa: Isa, extremum: Extremum, shape: &PoolShape, x: &[f32]) -> Vec<f32> {
    shape.check(x);
    forward::forward(isa, extremum, shape, x)
}

pub(crate) fn input_gradient_on(isa: Isa, extremum: Extremum, shape: &PoolShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    shape.check(x);
    assert_eq!(dy.len(), shape.output_len(), "gradient does not match its shape");
    backward::input_gradient(isa, extremum, shape, x, dy)
}
