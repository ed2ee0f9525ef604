//! Convolution in groups: every group of input channels makes one group of output channels.
//!
//! The channels of a group are copied together, so that each group is an ordinary convolution and the fast engines of
//! [`crate::conv`] apply. Where every group is one channel, [`crate::depthwise`] is far faster.

use crate::conv::{self, ConvShape};

/// Sizes of a grouped convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupedShape {
    /// Sizes with the channels of all groups.
    pub whole: ConvShape,
    /// Number of groups; it divides both numbers of channels.
    pub groups: usize,
}

impl GroupedShape {
    /// The convolution of one group.
    pub fn group(&self) -> ConvShape {
        let Self { whole, groups } = *self;
        let divides = |channels: usize| groups > 0 && channels.is_multiple_of(groups);
        assert!(divides(whole.in_channels) && divides(whole.out_channels), "groups do not divide the channels");
        ConvShape { in_channels: whole.in_channels / groups, out_channels: whole.out_channels / groups, ..whole }
    }
}

/// As [`conv::forward`], within each group; `weight` is `[out, in / groups, kd, kh, kw]`.
pub fn forward(shape: &GroupedShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let group = shape.group();
    assert_eq!(x.len(), shape.whole.input_len(), "input does not match its shape");
    assert_eq!(weight.len(), shape.groups * group.weight_len(), "weight does not match its shape");
    assert!(bias.is_none_or(|bias| bias.len() == shape.whole.out_channels), "bias does not match its shape");
    join(shape.groups, group.out_channels, shape.whole.output_len(), |index| {
        let bias = bias.map(|bias| &bias[index * group.out_channels..][..group.out_channels]);
        conv::forward(&group, &part(shape.groups, group.in_channels, index, x), weight_of(&group, index, weight), bias)
    })
}

/// Gradient of [`forward`] with respect to `x`, from the gradient `dy` of its output.
pub fn input_gradient(shape: &GroupedShape, dy: &[f32], weight: &[f32]) -> Vec<f32> {
    transposed(shape, dy, weight, None)
}

/// As [`conv::transposed`], within each group; `shape` is that of the convolution which leads back.
pub fn transposed(shape: &GroupedShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let group = shape.group();
    assert_eq!(x.len(), shape.whole.output_len(), "input does not match its shape");
    assert_eq!(weight.len(), shape.groups * group.weight_len(), "weight does not match its shape");
    assert!(bias.is_none_or(|bias| bias.len() == shape.whole.in_channels), "bias does not match its shape");
    join(shape.groups, group.in_channels, shape.whole.input_len(), |index| {
        let bias = bias.map(|bias| &bias[index * group.in_channels..][..group.in_channels]);
        let x = part(shape.groups, group.out_channels, index, x);
        conv::transposed(&group, &x, weight_of(&group, index, weight), bias)
    })
}

/// Gradient of [`forward`] with respect to `weight`, in the layout of `weight`.
pub fn weight_gradient(shape: &GroupedShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let group = shape.group();
    assert_eq!(x.len(), shape.whole.input_len(), "input does not match its shape");
    assert_eq!(dy.len(), shape.whole.output_len(), "gradient does not match its shape");
    let of_group = |index: usize| {
        let x = part(shape.groups, group.in_channels, index, x);
        conv::weight_gradient(&group, &x, &part(shape.groups, group.out_channels, index, dy))
    };
    (0..shape.groups).flat_map(of_group).collect()
}

fn weight_of<'a>(group: &ConvShape, index: usize, weight: &'a [f32]) -> &'a [f32] {
    &weight[index * group.weight_len()..][..group.weight_len()]
}

/// The `channels` channels of one group.
fn part(groups: usize, channels: usize, index: usize, map: &[f32]) -> Vec<f32> {
    let voxels = map.chunks_exact(groups * channels);
    voxels.flat_map(|voxel| &voxel[index * channels..][..channels]).copied().collect()
}

/// The map whose groups of channels are what `of_group` returns.
fn join(groups: usize, channels: usize, len: usize, of_group: impl Fn(usize) -> Vec<f32>) -> Vec<f32> {
    let mut map = vec![0.0; len];
    for index in 0..groups {
        let group = of_group(index);
        for (voxel, values) in map.chunks_exact_mut(groups * channels).zip(group.chunks_exact(channels)) {
            voxel[index * channels..][..channels].copy_from_slice(values);
        }
    }
    map
}
