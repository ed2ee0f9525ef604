//! The weight gradient, directly: `dW[k, ci, co] = sum over voxels of x[o * stride + k - padding, ci] * dy[o, co]`.
//!
//! Neighbouring kernel columns and input channels are neighbours in memory too, so a tile of the result is some
//! consecutive values of an `x` row times one or two vectors of output channels, summed in registers over the voxels
//! of a block of rows. Blocks are gathered into a fixed number of chunks whose sums are added in order.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::source::Source;
use super::{ConvShape, Part};
use crate::output::{filled_parts, pieces, with_scratch};
use crate::simd::{Isa, Kernel, Simd};
use crate::tile::{BLOCK, Lines, add_products};

/// Most chunks of rows, each with its own copy of the gradient.
const CHUNKS: usize = 16;
/// Floats of all copies together: 8 MiB, a quarter of a third-level cache.
const COPIES: usize = 2 * 1024 * 1024;
/// Least output voxels of a chunk: with fewer, clearing and adding the copies costs more than the products.
const CHUNK_VOXELS: usize = 512;
/// Output voxels that a tile should sum before its sums go back to memory.
const VOXELS: usize = 64;

/// How the work is cut, from the shape alone.
struct Plan<'a> {
    shape: ConvShape,
    output: [usize; 3],
    x: Source<'a>,
    /// Rows of a block.
    rows: usize,
    /// Blocks of all images.
    blocks: usize,
    chunks: usize,
    /// Output channels per job, whole blocks.
    slice: usize,
    slices: usize,
}

/// Gradient with respect to the weight, in PyTorch's layout.
pub(super) fn weight_gradient(isa: Isa, shape: &ConvShape, x: Part, dy: &[f32]) -> Vec<f32> {
    let output = shape.output();
    let [depth, height, width] = output;
    if depth * height * width * shape.batch == 0 {
        return vec![0.0; shape.weight_len()];
    }
    let end = (width - 1) * shape.stride[2] + shape.kernel[2];
    let margin = [shape.padding[2], end.saturating_sub(shape.padding[2] + shape.input[2])];
    let rows = VOXELS.div_ceil(width).min(height);
    let blocks = shape.batch * depth * height.div_ceil(rows);
    let padded = shape.out_channels.next_multiple_of(BLOCK);
    let values = shape.kernel.iter().product::<usize>() * shape.in_channels;
    let voxels = shape.batch * depth * height * width;
    let chunks = (COPIES / (values * padded)).min(voxels / CHUNK_VOXELS).clamp(1, CHUNKS).min(blocks);
    // Few chunks leave threads idle, so output channels are split over jobs as well, by pairs of blocks if possible.
    let slice_blocks = (padded / BLOCK).div_ceil(CHUNKS / chunks);
    let slice = if slice_blocks == 1 { BLOCK } else { (slice_blocks.next_multiple_of(2) * BLOCK).min(padded) };
    let plan = Plan {
        shape: *shape,
        output,
        x: Source { part: x, size: shape.input, margin },
        rows,
        blocks,
        chunks,
        slice,
        slices: padded.div_ceil(slice),
    };
    let jobs = plan.chunks * plan.slices;
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        // SAFETY: zeros are values; from here on the part is initialized.
        let sums = unsafe {
            part.as_mut_ptr().write_bytes(0, part.len());
            part.assume_init_mut()
        };
        plan.sum_chunk(isa, job / plan.slices, job % plan.slices, dy, sums);
    };
    // SAFETY: a job zeroes its part first.
    let copies = unsafe { filled_parts((0..jobs).map(|_| values * slice), fill) };
    plan.reduce(&copies)
}

impl Plan<'_> {
    /// Adds the products of one chunk for one slice of output channels to `sums`, `[kd][kh][kw * in][slice]`.
    fn sum_chunk(&self, isa: Isa, chunk: usize, slice: usize, dy: &[f32], sums: &mut [f32]) {
        let [depth, height, width] = self.output;
        let shape = &self.shape;
        let channels = shape.out_channels;
        let first = slice * self.slice;
        let kept = self.slice.min(channels - first);
        let copy_dy = !kept.is_multiple_of(BLOCK);
        let dy_len = if copy_dy { self.rows * width * self.slice } else { 0 };
        let x_len = self.x.scratch_len(shape.kernel[0], (self.rows - 1) * shape.stride[1] + shape.kernel[1]);
        let per_plane = height.div_ceil(self.rows);
        with_scratch(dy_len + x_len, |scratch| {
            let (dy_copy, x_copy) = scratch.split_at_mut(dy_len);
            for block in self.blocks * chunk / self.chunks..self.blocks * (chunk + 1) / self.chunks {
                let (plane, h0) = (block / per_plane, block % per_plane * self.rows);
                let h = h0..(h0 + self.rows).min(height);
                let (image, d) = (plane / depth, plane % depth);
                let (d_range, h_range) = (self.read(0, d..d + 1), self.read(1, h.clone()));
                let x = self.x.rows(isa, image, d_range, h_range, x_copy);
                let lines = &dy[(plane * height + h.start) * width * channels..][..h.len() * width * channels];
                let (dy, dy_step) = if copy_dy {
                    pad_channels(lines, channels, first..first + kept, self.slice, dy_copy);
                    (dy_copy.as_ptr(), self.slice)
                } else {
                    (lines[first..].as_ptr(), channels)
                };
                isa.run(Block { plan: self, x, dy, dy_step, d, h, sums });
            }
        });
    }

    /// Input positions that some output positions read.
    fn read(&self, axis: usize, positions: Range<usize>) -> Range<usize> {
        let (stride, padding) = (self.shape.stride[axis], self.shape.padding[axis]);
        let start = (positions.start * stride).saturating_sub(padding);
        let end = ((positions.end - 1) * stride + self.shape.kernel[axis]).saturating_sub(padding);
        start.min(end.min(self.shape.input[axis]))..end.min(self.shape.input[axis])
    }

    /// Adds the chunks in order and transposes to `[out, in, kd, kh, kw]`.
    fn reduce(&self, copies: &[f32]) -> Vec<f32> {
        let volume = self.shape.kernel.iter().product::<usize>();
        let inputs = self.shape.in_channels;
        let copy = volume * inputs * self.slice;
        let outputs = self.shape.out_channels;
        let fill = |block: usize, part: &mut [MaybeUninit<f32>]| {
            let (slice, lane) = (block * BLOCK / self.slice, block * BLOCK % self.slice);
            for ci in 0..inputs {
                for k in 0..volume {
                    let at = (k * inputs + ci) * self.slice + lane;
                    let mut sums = [0.0f32; BLOCK];
                    for chunk in 0..self.chunks {
                        let copy = &copies[(chunk * self.slices + slice) * copy + at..][..BLOCK];
                        sums.iter_mut().zip(copy).for_each(|(sum, value)| *sum += value);
                    }
                    for (output, sum) in part.chunks_exact_mut(volume * inputs).zip(sums) {
                        output[ci * volume + k].write(sum);
                    }
                }
            }
        };
        let lengths = pieces(outputs, BLOCK).map(|outputs| outputs * volume * inputs);
        // SAFETY: the loops cover all input channels and kernel entries of each output channel of the block.
        unsafe { filled_parts(lengths, fill) }
    }
}

/// Copies some channels of each voxel to `[voxels][width]`, with zeros behind them.
fn pad_channels(lines: &[f32], channels: usize, kept: Range<usize>, width: usize, copy: &mut [f32]) {
    for (voxel, copy) in lines.chunks_exact(channels).zip(copy.chunks_exact_mut(width)) {
        let (values, rest) = copy.split_at_mut(kept.len());
        values.copy_from_slice(&voxel[kept.clone()]);
        rest.fill(0.0);
    }
}

/// A block of rows for one slice of output channels.
struct Block<'a> {
    plan: &'a Plan<'a>,
    x: super::source::Rows,
    dy: *const f32,
    dy_step: usize,
    d: usize,
    h: Range<usize>,
    sums: &'a mut [f32],
}

impl Kernel for Block<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let shape = &self.plan.shape;
        let width = self.plan.output[2];
        let [kd, kh, kw] = shape.kernel;
        let run = kw * shape.in_channels;
        let channels = self.plan.slice;
        let mut rows = Vec::with_capacity(self.h.len());
        for a in 0..kd {
            let d = (self.d * shape.stride[0] + a).wrapping_sub(shape.padding[0]);
            if d >= shape.input[0] {
                continue;
            }
            for b in 0..kh {
                rows.clear();
                for (line, h) in self.h.clone().enumerate() {
                    let h = (h * shape.stride[1] + b).wrapping_sub(shape.padding[1]);
                    if h < shape.input[1] {
                        let x = self.x.at(d, h).wrapping_sub(shape.padding[2] * shape.in_channels);
                        rows.push((x, self.dy.wrapping_add(line * width * self.dy_step)));
                    }
                }
                let lines = Lines {
                    rows: &rows,
                    count: width,
                    left_step: shape.stride[2] * shape.in_channels,
                    right_step: self.dy_step,
                    first: false,
                };
                let sums = self.sums[(a * kh + b) * run * channels..][..run * channels].as_mut_ptr();
                // SAFETY: a row holds `run` values per voxel, `dy` and the sums whole blocks of channels.
                unsafe { add_products(simd, &lines, run, channels, sums) };
            }
        }
    }
}
