//! Depthwise 3D convolution, where every channel has a kernel of its own, forward and backward, and its transposed
//! form (MedNeXt: Roy et al. 2023).
//!
//! There is no sum over channels, so neighbouring channels are the lanes of a vector. A job takes 16 channels of a box
//! of output voxels. It first copies what they read, with zeros where rows end, so that the inner loops know neither
//! edges nor strides of the map; then tiles of 8 voxels of a row stay in registers while all kernel entries are added.
//! All rows of a column of tiles are computed before the next column: what they share stays in the first-level cache.

mod axis;
mod boxes;
mod correlation;
mod pack;
mod tile;
mod weight_gradient;

use crate::conv::ConvShape;
use crate::simd::Isa;
use correlation::Correlation;

/// Sizes of a depthwise convolution. Axis order everywhere: depth, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseShape {
    /// Images in the batch.
    pub batch: usize,
    /// Voxels of the input per axis.
    pub input: [usize; 3],
    /// Channels of input and output.
    pub channels: usize,
    /// Kernel size per axis, at least 1.
    pub kernel: [usize; 3],
    /// Stride per axis, at least 1.
    pub stride: [usize; 3],
    /// Zeros added on both sides of each axis.
    pub padding: [usize; 3],
}

impl DepthwiseShape {
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

    /// Length of the weight slice.
    pub fn weight_len(&self) -> usize {
        self.channels * self.kernel.iter().product::<usize>()
    }

    /// The convolution that each channel is by itself.
    fn one_channel(&self) -> ConvShape {
        let Self { batch, input, kernel, stride, padding, .. } = *self;
        ConvShape { batch, input, in_channels: 1, out_channels: 1, kernel, stride, padding }
    }
}

/// `y[n, o, c] = bias[c] + sum over k of x[n, o * stride + k - padding, c] * weight[c, k]`.
///
/// `weight` is `[channels, 1, kd, kh, kw]`; the result is `[N, D', H', W', channels]`.
pub fn forward(shape: &DepthwiseShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    forward_on(Isa::best(), shape, x, weight, bias)
}

/// Gradient of [`forward`] with respect to `x`, from the gradient `dy` of its output.
pub fn input_gradient(shape: &DepthwiseShape, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    transposed(shape, dy, weight, None)
}

/// The transposed convolution, `y[n, i * stride + k - padding, c] = bias[c] + sum of x[n, i, c] * weight[c, k]`.
///
/// `shape` is that of the convolution which leads back: its input is this operation's output. So the gradients are
/// [`forward`] of `dy` and [`weight_gradient`] with `dy` as its `x`.
pub fn transposed(shape: &DepthwiseShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    transposed_on(Isa::best(), shape, x, weight, bias)
}

/// Gradient of [`forward`] with respect to `weight`, in the layout of `weight`.
pub fn weight_gradient(shape: &DepthwiseShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    weight_gradient_on(Isa::best(), shape, x, dy)
}

pub(crate) fn forward_on(
    isa: Isa,
    shape: &DepthwiseShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    assert_eq!(x.len(), shape.input_len(), "input does not match its shape");
    assert_eq!(weight.len(), shape.weight_len(), "weight does not match its shape");
    assert!(bias.is_none_or(|bias| bias.len() == shape.channels), "bias does not match its shape");
    Correlation::forward(shape).run(isa, x, weight, bias)
}

pub(crate) fn transposed_on(
    isa: Isa,
    shape: &DepthwiseShape,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    assert_eq!(x.len(), shape.output_len(), "input does not match its shape");
    assert_eq!(weight.len(), shape.weight_len(), "weight does not match its shape");
    assert!(bias.is_none_or(|bias| bias.len() == shape.channels), "bias does not match its shape");
    Correlation::input_gradient(shape).run(isa, x, weight, bias)
}

pub(crate) fn weight_gradient_on(isa: Isa, shape: &DepthwiseShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), shape.input_len(), "input does not match its shape");
    assert_eq!(dy.len(), shape.output_len(), "gradient does not match its shape");
    weight_gradient::weight_gradient(isa, shape, x, dy)
}
