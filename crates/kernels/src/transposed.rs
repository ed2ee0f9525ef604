//! Sizes of transposed convolutions, in which every input voxel adds its multiple of the kernel to the output.
//!
//! The operation is the input gradient of the convolution that maps its output back to its input: see
//! [`crate::conv::transposed`], [`crate::depthwise::transposed`] and [`crate::grouped::transposed`]. Where the kernel
//! equals the stride, each input voxel becomes a block of output voxels; a kernel smaller than the stride leaves gaps
//! that hold the bias alone.

use crate::conv::ConvShape;

/// Sizes of a transposed convolution. Axis order: depth, height, width.
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
    /// Kernel size per axis, at least 1.
    pub kernel: [usize; 3],
    /// Stride per axis, at least 1.
    pub stride: [usize; 3],
    /// Voxels cut off on both sides of each axis.
    pub padding: [usize; 3],
    /// Voxels added at the end of each axis, fewer than the stride.
    pub output_padding: [usize; 3],
}

impl TransposedShape {
    /// The shape whose kernel equals its `stride`, from `[in, out]` channels.
    pub fn blocks(batch: usize, input: [usize; 3], channels: [usize; 2], stride: [usize; 3]) -> Self {
        let [in_channels, out_channels] = channels;
        let (padding, output_padding) = ([0; 3], [0; 3]);
        Self { batch, input, in_channels, out_channels, kernel: stride, stride, padding, output_padding }
    }

    /// Voxels of the output per axis: `(input - 1) * stride + kernel + output padding - 2 padding`, 0 where that is
    /// negative or there is no input.
    pub fn output(&self) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let Some(steps) = self.input[axis].checked_sub(1) else { return 0 };
            let end = steps * self.stride[axis] + self.kernel[axis] + self.output_padding[axis];
            end.saturating_sub(2 * self.padding[axis])
        })
    }

    /// The convolution from the output of this operation to its input.
    pub fn convolution(&self) -> ConvShape {
        ConvShape {
            batch: self.batch,
            input: self.output(),
            in_channels: self.out_channels,
            out_channels: self.in_channels,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
        }
    }
}
