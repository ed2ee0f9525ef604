//! Conversion between PyTorch's channels-first maps and ours, at the two ends of a network.

use std::mem::MaybeUninit;

use crate::output::{filled_parts, pieces};

/// Values along the second axis of one job.
const CHUNK: usize = 4096;

/// `[batch, channels, voxels]` to `[batch, voxels, channels]`.
pub fn channels_first_to_last(batch: usize, channels: usize, voxels: usize, x: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), batch * voxels * channels, "map does not match its shape");
    let chunks = voxels.div_ceil(CHUNK);
    let lengths = (0..batch).flat_map(|_| pieces(voxels, CHUNK)).map(|voxels| voxels * channels);
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        let image = &x[job / chunks * channels * voxels..][..channels * voxels];
        for (index, voxel) in part.chunks_exact_mut(channels).enumerate() {
            for (channel, value) in voxel.iter_mut().enumerate() {
                value.write(image[channel * voxels + job % chunks * CHUNK + index]);
            }
        }
    };
    // SAFETY: a job writes all channels of all its voxels.
    unsafe { filled_parts(lengths, fill) }
}

/// `[batch, voxels, channels]` to `[batch, channels, voxels]`.
pub fn channels_last_to_first(batch: usize, channels: usize, voxels: usize, x: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), batch * voxels * channels, "map does not match its shape");
    let chunks = voxels.div_ceil(CHUNK);
    let lengths = (0..batch * channels).flat_map(|_| pieces(voxels, CHUNK));
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        let (line, chunk) = (job / chunks, job % chunks);
        let first = (line / channels * voxels + chunk * CHUNK) * channels;
        let values = x[first..].iter().skip(line % channels).step_by(channels);
        for (target, value) in part.iter_mut().zip(values) {
            target.write(*value);
        }
    };
    // SAFETY: a channel has a value for each of the job's voxels.
    unsafe { filled_parts(lengths, fill) }
}
