//! The weight gradient: `dW[c, k] = sum over voxels of x[o * stride + k - padding, c] * dy[o, c]`.
//!
//! Kernel entries are independent sums, so some of them stay in registers while a row of `dy` passes by; the sum of a
//! row joins that of its chunk of boxes, and those are added in order.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::DepthwiseShape;
use super::axis::Axis;
use super::boxes::{Boxes, GROUP, Rows, Source};
use super::tile::{Entry, entries};
use crate::output::{filled_parts, filled_with, with_scratch};
use crate::simd::{Isa, Kernel, Simd};

/// Jobs to aim at: chunks of boxes times groups of channels.
const JOBS: usize = 16;
/// Entries that are summed at a time: enough to keep both multipliers busy, and a plane of a 3x3x3 kernel.
const ENTRIES: usize = 9;
/// Entries that are summed at a time if fewer are left.
const FEW: usize = 3;

/// Gradient with respect to the weight, in PyTorch's layout.
pub(super) fn weight_gradient(isa: Isa, shape: &DepthwiseShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    if shape.output_len() == 0 {
        return vec![0.0; shape.weight_len()];
    }
    let axes = [0, 1, 2].map(|axis| Axis::forward(shape, axis));
    let output = shape.output();
    let channels = shape.channels;
    let end = (output[2] - 1) * shape.stride[2] + shape.kernel[2];
    let row = end.max(shape.padding[2] + shape.input[2]);
    let boxes = Boxes::new(&axes[0], &axes[1], row);
    let groups = channels.div_ceil(GROUP);
    let count = boxes.count(shape.batch);
    let plan = Plan {
        shape,
        axes,
        x: Source { map: x, size: shape.input, channels, before: shape.padding[2], row },
        dy: Source { map: dy, size: output, channels, before: 0, row: output[2] },
        boxes,
        chunks: (JOBS / groups).clamp(1, count),
        count,
    };
    let part = shape.kernel.iter().product::<usize>() * GROUP;
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        let sums = filled_with(part, 0.0);
        let (x_rows, dy_rows) = plan.boxes.most_rows();
        let lens = [x_rows * plan.x.row * isa.lanes(), dy_rows * plan.dy.row * isa.lanes()];
        with_scratch(lens[0] + lens[1], |scratch| {
            let (x, dy) = scratch.split_at_mut(lens[0]);
            isa.run(Job { plan: &plan, chunk: job / groups, group: job % groups, x, dy, sums });
        });
    };
    // SAFETY: a job zeroes its part first.
    let copies = unsafe { filled_parts((0..plan.chunks * groups).map(|_| part), fill) };
    reduce(shape, &copies, plan.chunks, isa.lanes())
}

/// Adds the chunks, `[chunks][groups][vectors][entries][lanes]`, in order and transposes to `[channels, entries]`.
fn reduce(shape: &DepthwiseShape, copies: &[f32], chunks: usize, lanes: usize) -> Vec<f32> {
    let volume = shape.kernel.iter().product::<usize>();
    let chunk = copies.len() / chunks;
    let mut gradient = Vec::with_capacity(shape.weight_len());
    for channel in 0..shape.channels {
        let first = channel / lanes * volume * lanes + channel % lanes;
        for entry in 0..volume {
            let parts = copies[first + entry * lanes..].iter().step_by(chunk);
            gradient.push(parts.fold(0.0, |sum, part| sum + part));
        }
    }
    gradient
}

/// How the work is cut, from the shape alone.
struct Plan<'a> {
    shape: &'a DepthwiseShape,
    axes: [Axis; 3],
    x: Source<'a>,
    dy: Source<'a>,
    boxes: Boxes,
    chunks: usize,
    /// Boxes of all images.
    count: usize,
}

/// The sums of one group of channels over one chunk of boxes.
struct Job<'a> {
    plan: &'a Plan<'a>,
    chunk: usize,
    group: usize,
    /// Room for the copies of what a box reads.
    x: &'a mut [f32],
    dy: &'a mut [f32],
    /// `[vectors][entries][lanes]`.
    sums: &'a mut [f32],
}

impl Kernel for Job<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let plan = self.plan;
        let end = plan.shape.channels.min((self.group + 1) * GROUP);
        let per_vector = plan.shape.kernel.iter().product::<usize>() * S::LANES;
        for index in plan.count * self.chunk / plan.chunks..plan.count * (self.chunk + 1) / plan.chunks {
            let rows = plan.boxes.rows(index);
            let (d, h) = (plan.axes[0].source_range(rows.d.clone()), plan.axes[1].source_range(rows.h.clone()));
            let reads = plan.reads(&rows, &d, &h, S::LANES);
            let mut first = self.group * GROUP;
            for sums in self.sums.chunks_exact_mut(per_vector) {
                if first >= end {
                    break;
                }
                let channels = first..end.min(first + S::LANES);
                plan.x.copy(rows.image, d.clone(), h.clone(), channels.clone(), S::LANES, self.x);
                plan.dy.copy(rows.image, rows.d.clone(), rows.h.clone(), channels, S::LANES, self.dy);
                for (reads, dy) in reads.iter().zip(self.dy.chunks_exact(plan.dy.row * S::LANES)) {
                    plan.row(simd, reads, self.x, dy, sums);
                }
                first += S::LANES;
            }
        }
    }
}

impl Plan<'_> {
    /// For each row of `dy` in the box, the kernel entries that meet a source row inside the map.
    fn reads(&self, rows: &Rows, d: &Range<usize>, h: &Range<usize>, lanes: usize) -> Vec<Vec<Entry>> {
        let [depth, height, _] = &self.axes;
        let [_, kernel_height, kernel_width] = self.shape.kernel;
        let mut all = Vec::with_capacity(rows.d.len() * rows.h.len());
        for output_d in rows.d.clone() {
            for output_h in rows.h.clone() {
                let ((d_class, d_first), (h_class, h_first)) = (depth.reads(output_d), height.reads(output_h));
                let mut reads = Vec::new();
                for (plane, &a) in (d_first..).zip(&d_class.entries) {
                    for (line, &b) in (h_first..).zip(&h_class.entries) {
                        if (0..depth.source as isize).contains(&plane) && (0..height.source as isize).contains(&line) {
                            let index = (plane as usize - d.start) * h.len() + line as usize - h.start;
                            let entry = (a * kernel_height + b) * kernel_width;
                            let read =
                                |c: usize| Entry { x: (index * self.x.row + c) * lanes, sum: (entry + c) * lanes };
                            reads.extend((0..kernel_width).map(read));
                        }
                    }
                }
                all.push(reads);
            }
        }
        all
    }

    /// Adds the products of one row of `dy` to the sums of all kernel entries.
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, reads: &[Entry], x: &[f32], dy: &[f32], sums: &mut [f32]) {
        let x = (x.as_ptr(), self.shape.stride[2] * S::LANES);
        let dy = (dy.as_ptr(), self.dy.row);
        let (many, rest) = reads.as_chunks::<ENTRIES>();
        let (few, single) = rest.as_chunks::<FEW>();
        // SAFETY: copied rows reach as far as the last voxel of `dy` reads; the sums hold all entries.
        unsafe {
            for group in many {
                entries(simd, group, x, dy, sums.as_mut_ptr());
            }
            for group in few {
                entries(simd, group, x, dy, sums.as_mut_ptr());
            }
            for entry in single {
                entries(simd, &[*entry], x, dy, sums.as_mut_ptr());
            }
        }
    }
}
