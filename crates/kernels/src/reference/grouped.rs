//! Convolution in groups: each group is a convolution by itself. A depthwise convolution has one group per channel.

use super::conv;
use crate::grouped::GroupedShape;

/// The channels of one group of a map.
fn part(groups: usize, index: usize, channels: usize, map: &[f32]) -> Vec<f32> {
    let first = index * channels;
    let is_of_group = |i: usize| (first..first + channels).contains(&(i % (groups * channels)));
    (0..map.len()).filter(|&i| is_of_group(i)).map(|i| map[i]).collect()
}

/// The map that has these groups of channels.
fn join(channels: usize, parts: &[Vec<f32>]) -> Vec<f32> {
    let voxels = parts.first().map_or(0, |part| part.len() / channels);
    let of_voxel = |v: usize| parts.iter().flat_map(move |part| part[v * channels..][..channels].iter().copied());
    (0..voxels).flat_map(of_voxel).collect()
}

fn weight_of<'a>(shape: &GroupedShape, index: usize, weight: &'a [f32]) -> &'a [f32] {
    let len = shape.group().weight_len();
    &weight[index * len..][..len]
}

/// See [`crate::grouped::forward`].
pub fn forward(shape: &GroupedShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let group = shape.group();
    let of_group = |index: usize| {
        let bias = bias.map(|bias| &bias[index * group.out_channels..][..group.out_channels]);
        let x = part(shape.groups, index, group.in_channels, x);
        conv::forward(&group, &x, weight_of(shape, index, weight), bias)
    };
    join(group.out_channels, &(0..shape.groups).map(of_group).collect::<Vec<_>>())
}

/// See [`crate::grouped::transposed`]; without a bias it is the input gradient.
pub fn transposed(shape: &GroupedShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let group = shape.group();
    let of_group = |index: usize| {
        let bias = bias.map(|bias| &bias[index * group.in_channels..][..group.in_channels]);
        let x = part(shape.groups, index, group.out_channels, x);
        conv::transposed_forward(&group, &x, weight_of(shape, index, weight), bias)
    };
    join(group.in_channels, &(0..shape.groups).map(of_group).collect::<Vec<_>>())
}

/// See [`crate::grouped::weight_gradient`].
pub fn weight_gradient(shape: &GroupedShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let group = shape.group();
    let of_group = |index: usize| {
        let x = part(shape.groups, index, group.in_channels, x);
        conv::weight_gradient(&group, &x, &part(shape.groups, index, group.out_channels, dy))
    };
    (0..shape.groups).flat_map(of_group).collect()
}
