//! Nearest-neighbour up-sampling by whole factors.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::output::filled_parts;

/// Repeats every voxel of `x`, `[batch, D, H, W, channels]`, `factor` times along each axis.
pub fn upsample(batch: usize, input: [usize; 3], channels: usize, factor: [usize; 3], x: &[f32]) -> Vec<f32> {
    let [depth, height, width] = input;
    assert_eq!(x.len(), batch * depth * height * width * channels, "input does not match its shape");
    let rows = height * factor[1];
    let row = width * factor[2] * channels;
    let fill = |line: usize, part: &mut [MaybeUninit<f32>]| {
        let (plane, h) = (line / rows, line % rows / factor[1]);
        let source = &x[(plane / factor[0] * height + h) * width * channels..][..width * channels];
        let mut copies = part.chunks_exact_mut(channels);
        for voxel in source.chunks_exact(channels) {
            for copy in copies.by_ref().take(factor[2]) {
                copy.write_copy_of_slice(voxel);
            }
        }
    };
    // SAFETY: a row has exactly `factor` copies of each of its source's voxels.
    unsafe { filled_parts((0..batch * depth * factor[0] * rows).map(|_| row), fill) }
}

/// Gradient of [`upsample`]: sums `dy` over the voxels that were copies of one, in index order.
///
/// `input` and `factor` are those of the forward pass; `dy` has the shape of its output.
pub fn upsample_gradient(batch: usize, input: [usize; 3], channels: usize, factor: [usize; 3], dy: &[f32]) -> Vec<f32> {
    let [depth, height, width] = input;
    let out_row = width * factor[2] * channels;
    assert_eq!(dy.len(), batch * depth * factor[0] * height * factor[1] * out_row, "gradient does not match its shape");
    let mut dx = vec![0.0; batch * depth * height * width * channels];
    let row = width * channels;
    if row == 0 {
        return dx;
    }
    dx.par_chunks_mut(row).enumerate().for_each(|(index, sums)| {
        let (plane, h) = (index / height, index % height);
        for a in 0..factor[0] {
            for b in 0..factor[1] {
                let line = (plane * factor[0] + a) * height * factor[1] + h * factor[1] + b;
                let source = &dy[line * out_row..][..out_row];
                for (sum, copies) in sums.chunks_exact_mut(channels).zip(source.chunks_exact(channels * factor[2])) {
                    for copy in copies.chunks_exact(channels) {
                        sum.iter_mut().zip(copy).for_each(|(sum, value)| *sum += value);
                    }
                }
            }
        }
    });
    dx
}
