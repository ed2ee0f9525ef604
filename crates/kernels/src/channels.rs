//! Joining and splitting maps along the channel axis (skip connections).

use std::mem::MaybeUninit;

use crate::output::{filled_parts, pieces};

/// Voxels of one job.
const CHUNK: usize = 2048;

/// Joins `a`, `[voxels, a_channels]`, and `b`, `[voxels, b_channels]`, into `[voxels, a_channels + b_channels]`;
/// `voxels` counts those of all images.
pub fn concat(voxels: usize, a_channels: usize, a: &[f32], b_channels: usize, b: &[f32]) -> Vec<f32> {
    assert_eq!([a.len(), b.len()], [voxels * a_channels, voxels * b_channels], "maps do not match their shapes");
    let width = a_channels + b_channels;
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        let a = a[job * CHUNK * a_channels..].chunks_exact(a_channels);
        let b = b[job * CHUNK * b_channels..].chunks_exact(b_channels);
        for ((joined, a), b) in part.chunks_exact_mut(width).zip(a).zip(b) {
            let (left, right) = joined.split_at_mut(a_channels);
            left.write_copy_of_slice(a);
            right.write_copy_of_slice(b);
        }
    };
    // SAFETY: both maps have all of the job's voxels.
    unsafe { filled_parts(pieces(voxels, CHUNK).map(|voxels| voxels * width), fill) }
}

/// Gradient of [`concat()`]: splits `dy`, `[voxels, a_channels + b_channels]`, into the two parts.
pub fn split(voxels: usize, a_channels: usize, b_channels: usize, dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let width = a_channels + b_channels;
    assert_eq!(dy.len(), voxels * width, "map does not match its shape");
    let part_of = |first: usize, channels: usize| {
        let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
            let joined = dy[job * CHUNK * width..].chunks_exact(width);
            for (values, joined) in part.chunks_exact_mut(channels).zip(joined) {
                values.write_copy_of_slice(&joined[first..first + channels]);
            }
        };
        // SAFETY: the joined map has all of the job's voxels.
        unsafe { filled_parts(pieces(voxels, CHUNK).map(|voxels| voxels * channels), fill) }
    };
    (part_of(0, a_channels), part_of(a_channels, b_channels))
}
