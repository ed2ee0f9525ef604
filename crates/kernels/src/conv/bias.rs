//! The bias gradient: sums over voxels in a fixed order.

use rayon::prelude::*;

/// Voxels that are summed in `f32` before they join a sum in `f64`.
const GROUP: usize = 64;
/// Voxels of one job.
const CHUNK: usize = 64 * GROUP;

/// Gradient with respect to a bias: the sum of `dy`, `[voxels, channels]`, over all voxels of all images.
pub fn bias_gradient(channels: usize, dy: &[f32]) -> Vec<f32> {
    assert!(channels > 0 && dy.len().is_multiple_of(channels), "gradient does not match its channels");
    let chunks: Vec<Vec<f64>> = dy.par_chunks(CHUNK * channels).map(|chunk| sum_chunk(channels, chunk)).collect();
    let mut total = vec![0.0; channels];
    for chunk in chunks {
        total.iter_mut().zip(chunk).for_each(|(total, sum)| *total += sum);
    }
    total.into_iter().map(|sum| sum as f32).collect()
}

fn sum_chunk(channels: usize, chunk: &[f32]) -> Vec<f64> {
    let mut total = vec![0.0; channels];
    let mut group_sum = vec![0.0f32; channels];
    for group in chunk.chunks(GROUP * channels) {
        group_sum.fill(0.0);
        for voxel in group.chunks_exact(channels) {
            group_sum.iter_mut().zip(voxel).for_each(|(sum, value)| *sum += value);
        }
        total.iter_mut().zip(&group_sum).for_each(|(total, &sum)| *total += f64::from(sum));
    }
    total
}
