//! 3D convolution (cross-correlation with zero padding), forward and backward.

mod bias;
mod correlation;
mod input;
mod pack;
mod prepared;
mod source;
mod weight_gradient;

pub use bias::bias_gradient;
pub use input::Input;
pub(crate) use input::Part;
pub use prepared::{Preparation, Prepared};

use crate::instance_norm::{Moments, NormShape};
use crate::simd::Isa;
use crate::tile::BLOCK;
use crate::winograd::{self, Convolved, Wanted};
use correlation::Correlation;
use pack::Packed;
pub(crate) use pack::Roles;

/// Sizes of a convolution. Axis order everywhere: depth, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
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
    /// Zeros added on both sides of each axis.
    pub padding: [usize; 3],
}

impl ConvShape {
    /// Voxels of the output per axis: `floor((input + 2 padding - kernel) / stride) + 1`, 0 where the kernel does not
    /// fit.
    pub fn output(&self) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let padded = self.input[axis] + 2 * self.padding[axis];
            padded.checked_sub(self.kernel[axis]).map_or(0, |room| room / self.stride[axis] + 1)
        })
    }

    /// Length of the input slice.
    pub fn input_len(&self) -> usize {
        self.input_map().len()
    }

    /// Sizes of the input as a map.
    fn input_map(&self) -> NormShape {
        NormShape { batch: self.batch, voxels: self.input.iter().product(), channels: self.in_channels }
    }

    /// Length of the output slice.
    pub fn output_len(&self) -> usize {
        self.batch * self.output().iter().product::<usize>() * self.out_channels
    }

    /// Length of the weight slice.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.in_channels * self.kernel.iter().product::<usize>()
    }

    /// Multiplications and additions of the direct way: `2 * kernel * in * out * output voxels`.
    pub fn operations(&self) -> f64 {
        2.0 * self.output_len() as f64 * (self.in_channels * self.kernel.iter().product::<usize>()) as f64
    }
}

/// Whether two joined maps of so many channels can be read for a convolution of this shape, and its input gradient be
/// written as two maps.
pub fn reads_joined(shape: &ConvShape, channels: [usize; 2]) -> bool {
    winograd::suits(shape) && channels.iter().all(|channels| channels.is_multiple_of(BLOCK))
}

/// `y[n, o, co] = bias[co] + sum over k, ci of x[n, o * stride + k - padding, ci] * weight[co, ci, k]`.
///
/// `weight` is `[out, in, kd, kh, kw]`; the result is `[N, D', H', W', out]`. Joined maps need a shape that
/// [`reads_joined`] them.
pub fn forward<'a>(shape: &ConvShape, x: impl Into<Input<'a>>, weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    forward_on(Isa::best(), shape, x.into(), weight, bias)
}

/// [`forward`] without a bias, and the moments of its output.
pub fn forward_measured<'a>(shape: &ConvShape, x: impl Into<Input<'a>>, weight: &[f32]) -> (Vec<f32>, Option<Moments>) {
    assert_eq!(weight.len(), shape.weight_len(), "weight does not match its shape");
    let (isa, x) = (Isa::best(), x.into());
    if !winograd::suits(shape) {
        let pass = Correlation::new(shape, Roles::Forward);
        let packed = Packed::new(shape, weight, Roles::Forward, &pass);
        let (y, moments) = pass.run_measured(isa, x.single(&shape.input_map()), &packed);
        return (y, Some(moments));
    }
    let wanted = Wanted { first: shape.out_channels, moments: true };
    let Convolved { maps: [y, _], moments } = winograd::convolve(isa, shape, Roles::Forward, x, weight, None, wanted);
    (y, moments)
}

/// Gradient of [`forward`] with respect to `x`, from the gradient `dy` of its output.
pub fn input_gradient(shape: &ConvShape, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    transposed(shape, dy, weight, None)
}

/// [`input_gradient`] for an `x` whose first so many channels were one map and whose others another, of a shape that
/// [`reads_joined`] them.
pub fn input_gradients(shape: &ConvShape, dy: &[f32], weight: &[f32], channels: [usize; 2]) -> [Vec<f32>; 2] {
    assert!(reads_joined(shape, channels), "a plain gradient is wanted for this shape");
    assert_eq!(channels[0] + channels[1], shape.in_channels, "parts do not match the channels");
    assert_eq!(dy.len(), shape.output_len(), "gradient does not match its shape");
    assert_eq!(weight.len(), shape.weight_len(), "weight does not match its shape");
    let wanted = Wanted { first: channels[0], moments: false };
    winograd::convolve(Isa::best(), shape, Roles::Exchanged, dy.into(), weight, None, wanted).maps
}

/// The transposed convolution, `y[n, i * stride + k - padding, ci] = bias[ci] + sum over co of
/// x[n, i, co] * weight[co, ci, k]`: [`input_gradient`] plus a bias.
///
/// `shape` is that of the convolution which leads back: its input is this operation's output. So the gradients are
/// [`forward`] of `dy` and [`weight_gradient`] with `dy` as its `x`.
pub fn transposed(shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    transposed_on(Isa::best(), shape, x, weight, bias)
}

/// Gradient of [`forward`] with respect to `weight`, in the layout of `weight`; `x` as there.
pub fn weight_gradient<'a>(shape: &ConvShape, x: impl Into<Input<'a>>, dy: &[f32]) -> Vec<f32> {
    weight_gradient_on(Isa::best(), shape, x.into(), dy)
}

pub(crate) fn forward_on<'a>(
    isa: Isa,
    shape: &ConvShape,
    x: impl Into<Input<'a>>,
    weight: &[f32],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let x = x.into();
    assert_eq!(weight.len(), shape.weight_len(), "weight does not match its shape");
    assert!(bias.is_none_or(|bias| bias.len() == shape.out_channels), "bias does not match its shape");
    if winograd::suits(shape) {
        let wanted = Wanted { first: shape.out_channels, moments: false };
        let [y, _] = winograd::convolve(isa, shape, Roles::Forward, x, weight, bias, wanted).maps;
        return y;
    }
    let pass = Correlation::new(shape, Roles::Forward);
    let x = x.single(&shape.input_map());
    pass.run(isa, x, &Packed::new(shape, weight, Roles::Forward, &pass), bias)
}

/// [`input_gradient`] plus a bias per channel of `x`, which is the transposed convolution.
pub(crate) fn transposed_on(isa: Isa, shape: &ConvShape, dy: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    assert_eq!(dy.len(), shape.output_len(), "gradient does not match its shape");
    assert_eq!(weight.len(), shape.weight_len(), "weight does not match its shape");
    assert!(bias.is_none_or(|bias| bias.len() == shape.in_channels), "bias does not match its shape");
    if winograd::suits(shape) {
        let wanted = Wanted { first: shape.in_channels, moments: false };
        let [dx, _] = winograd::convolve(isa, shape, Roles::Exchanged, dy.into(), weight, bias, wanted).maps;
        return dx;
    }
    let pass = Correlation::new(shape, Roles::Exchanged);
    let dy = Part { map: dy, channels: shape.out_channels, norm: None };
    pass.run(isa, dy, &Packed::new(shape, weight, Roles::Exchanged, &pass), bias)
}

pub(crate) fn weight_gradient_on<'a>(isa: Isa, shape: &ConvShape, x: impl Into<Input<'a>>, dy: &[f32]) -> Vec<f32> {
    let x = x.into();
    assert_eq!(dy.len(), shape.output_len(), "gradient does not match its shape");
    if winograd::suits_weight_gradient(shape) {
        return winograd::weight_gradient(isa, shape, x, dy);
    }
    let x = x.single(&shape.input_map());
    weight_gradient::weight_gradient(isa, shape, x, dy)
}
