//! Transposed convolution whose kernel equals its stride: every input voxel becomes one block of output voxels.
//!
//! It is the input gradient of the convolution that maps its output back to its input, so the three passes are
//! those of [`crate::conv`] with the roles exchanged.

use crate::conv::{self, ConvShape};
use crate::simd::Isa;

/// Sizes of a transposed convolution without padding. Axis order: depth, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransposedShape {
    /// Images in the batch.
    pub batch: usize,
    /// Voxels of the input per axis.
    pub input: [usize; 3],
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Kernel size and stride per axis, at least 1.
    pub stride: [usize; 3],
}

impl TransposedShape {
    /// Voxels of the output per axis: `input * stride`.
    pub fn output(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.input[axis] * self.stride[axis])
    }

    /// The convolution from the output of this operation to its input.
    fn convolution(&self) -> ConvShape {
        ConvShape {
            batch: self.batch,
            input: self.output(),
            in_channels: self.out_channels,
            out_channels: self.in_channels,
            kernel: self.stride,
            stride: self.stride,
            padding: [0; 3],
        }
    }
}

/// `y[n, i * stride + k, co] = bias[co] + sum over ci of x[n, i, ci] * weight[ci, co, k]`.
///
/// `weight` is `[in, out, kd, kh, kw]`; the result is `[N, D', H', W', out]`.
pub fn forward(shape: &TransposedShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    conv::transposed_on(Isa::best(), &shape.convolution(), x, weight, bias)
}

/// Gradient of [`forward`] with respect to `x`, from the gradient `dy` of its output.
pub fn input_gradient(shape: &TransposedShape, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    conv::forward(&shape.convolution(), dy, weight, None)
}

/// Gradient of [`forward`] with respect to `weight`, in the layout of `weight`.
pub fn weight_gradient(shape: &TransposedShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    conv::weight_gradient(&shape.convolution(), dy, x)
}
