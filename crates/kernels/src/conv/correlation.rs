//! The direct engine: every convolution-like pass is a list of taps per output row.
//!
//! Output positions fall into classes by their remainder modulo `step_out`; all positions of a class use the same
//! taps. A strided convolution has one class that steps through its source; the input gradient of a strided
//! convolution, and with it the transposed convolution, has `stride` classes per axis that each read their source
//! voxel by voxel.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::OnceLock;

use super::pack::{Packed, Roles};
use super::source::Source;
use super::{ConvShape, Part as Map};
use crate::instance_norm::{Moments, NormShape, Part, Sums, sums_of};
use crate::output::{filled_parts, pieces, streams, with_scratch};
use crate::simd::{Isa, Kernel, Simd, fence};
use crate::tile::{BLOCK, Row, Run, row};

/// Most rows of one job; enough to use the copied source rows and the packed weights several times.
const ROWS: usize = 16;
/// Floats of copied source rows of one job: half of a second-level cache of 512 KiB.
const SCRATCH: usize = 64 * 1024;

/// What is done with the index of a job and what it wrote.
type Finish<'a> = dyn Fn(usize, &[f32]) + Sync + 'a;

/// Taps of the output positions of one class along one axis: position `j * step_out + class` reads the source from
/// `j * step_in + first` on, and multiplies it with the kernel's entries `taps` in this order.
pub(super) struct Class {
    pub first: isize,
    pub taps: Vec<usize>,
}

/// A convolution-like pass; see the module.
pub(super) struct Correlation {
    pub batch: usize,
    pub source: [usize; 3],
    pub source_channels: usize,
    pub output: [usize; 3],
    pub output_channels: usize,
    pub step_in: [usize; 3],
    pub step_out: [usize; 3],
    /// Classes per axis, `step_out` of them.
    pub classes: [Vec<Class>; 3],
}

impl Correlation {
    /// The forward pass, or with exchanged roles the input gradient.
    pub fn new(shape: &ConvShape, roles: Roles) -> Self {
        match roles {
            Roles::Forward => Self::forward(shape),
            Roles::Exchanged => Self::input_gradient(shape),
        }
    }

    fn forward(shape: &ConvShape) -> Self {
        Self {
            batch: shape.batch,
            source: shape.input,
            source_channels: shape.in_channels,
            output: shape.output(),
            output_channels: shape.out_channels,
            step_in: shape.stride,
            step_out: [1; 3],
            classes: [0, 1, 2].map(|axis| {
                vec![Class { first: -(shape.padding[axis] as isize), taps: (0..shape.kernel[axis]).collect() }]
            }),
        }
    }

    /// The input gradient: `i = o * stride + k - padding` solved for `o`.
    fn input_gradient(shape: &ConvShape) -> Self {
        let class = |axis: usize, remainder: usize| {
            let (stride, shifted) = (shape.stride[axis], remainder + shape.padding[axis]);
            let taps: Vec<usize> = (0..shape.kernel[axis]).rev().filter(|k| k % stride == shifted % stride).collect();
            let first = taps.first().map_or(0, |&k| (shifted as isize - k as isize) / stride as isize);
            Class { first, taps }
        };
        Self {
            batch: shape.batch,
            source: shape.output(),
            source_channels: shape.out_channels,
            output: shape.input,
            output_channels: shape.in_channels,
            step_in: [1; 3],
            step_out: shape.stride,
            classes: [0, 1, 2].map(|axis| (0..shape.stride[axis]).map(|remainder| class(axis, remainder)).collect()),
        }
    }

    /// Class and first source position (which may be outside) of an output position.
    #[inline(always)]
    fn reads(&self, axis: usize, position: usize) -> (usize, isize) {
        let step = self.step_out[axis];
        let class = position % step;
        (class, (position / step * self.step_in[axis]) as isize + self.classes[axis][class].first)
    }

    /// Source positions inside the map that any of the output positions reads.
    fn source_range(&self, axis: usize, positions: Range<usize>) -> Range<usize> {
        let (mut start, mut stop) = (usize::MAX, 0);
        for position in positions {
            let (class, first) = self.reads(axis, position);
            let end = first + self.classes[axis][class].taps.len() as isize;
            start = start.min(first.max(0) as usize);
            stop = stop.max(end.max(0) as usize).min(self.source[axis]);
        }
        start.min(stop)..stop
    }

    /// Voxels beyond each end of a source row that some tap reads.
    fn margin(&self) -> [usize; 2] {
        let (mut before, mut after) = (0, 0);
        for (class, taps) in self.classes[2].iter().enumerate() {
            let positions = self.output[2].saturating_sub(class).div_ceil(self.step_out[2]);
            if positions == 0 || taps.taps.is_empty() {
                continue;
            }
            let end = ((positions - 1) * self.step_in[2]) as isize + taps.first + taps.taps.len() as isize;
            before = before.max(-taps.first);
            after = after.max(end - self.source[2] as isize);
        }
        [before as usize, after as usize]
    }

    /// Computes the pass. `weights` are packed for these classes.
    pub fn run(&self, isa: Isa, map: Map, weights: &Packed, bias: Option<&[f32]>) -> Vec<f32> {
        self.run_and(isa, map, weights, bias, None)
    }

    /// [`Self::run`] without a bias, and the moments of the output, of which each job adds up its rows while they are in a
    /// cache.
    pub fn run_measured(&self, isa: Isa, map: Map, weights: &Packed) -> (Vec<f32>, Moments) {
        let [depth, height, width] = self.output;
        let rows = self.rows_of_job(map);
        let jobs: Vec<usize> = (0..depth).flat_map(|_| pieces(height, rows)).collect();
        let found: Vec<OnceLock<Sums>> = (0..self.batch * jobs.len()).map(|_| OnceLock::new()).collect();
        let channels = self.output_channels;
        let add_up = |job: usize, part: &[f32]| {
            found[job].get_or_init(|| sums_of(isa, channels, part));
        };
        let y = self.run_and(isa, map, weights, None, Some(&add_up));
        let sums: Vec<Sums> = found.into_iter().filter_map(OnceLock::into_inner).collect();
        assert_eq!(sums.len(), self.batch * jobs.len(), "a job has not added up its rows");
        let shape = NormShape { batch: self.batch, voxels: depth * height * width, channels };
        let moments = Moments::new(&shape, |image| {
            let sums = &sums[image * jobs.len()..][..jobs.len()];
            let starts = jobs.iter().scan(image * shape.voxels, |next, rows| {
                let start = *next;
                *next += rows * width;
                Some((start, rows * width))
            });
            let y = &y;
            // Jobs have no voxels where rows are empty.
            starts.zip(sums).filter(|((_, count), _)| *count > 0).map(move |((start, count), sums)| {
                let (sum, squares) = sums.split_at(channels);
                Part { count, shift: &y[start * channels..][..channels], sum, squares }
            })
        });
        (y, moments)
    }

    /// Rows of a job, of one plane; the last one of a plane may have fewer. The same whether rows are copied or not, as sums
    /// depend on it.
    fn rows_of_job(&self, map: Map) -> usize {
        let height = self.output[1].max(1);
        let planes = self.classes[0].iter().map(|class| class.taps.len()).max().unwrap_or(0);
        let row = self.source(map).row_len();
        let scratch = |rows: usize| planes * (self.source_range(1, 0..rows.min(height)).len() + 2) * row;
        (1..=ROWS).rev().find(|&rows| scratch(rows) <= SCRATCH).unwrap_or(1).min(height)
    }

    fn source<'a>(&self, part: Map<'a>) -> Source<'a> {
        Source { part, size: self.source, margin: self.margin() }
    }

    /// Computes the pass, and calls `finish`, if there is one, with the index of each job and what it wrote.
    fn run_and(&self, isa: Isa, map: Map, weights: &Packed, bias: Option<&[f32]>, finish: Option<&Finish>) -> Vec<f32> {
        let source = self.source(map);
        let mut padded_bias = vec![0.0; self.output_channels.next_multiple_of(BLOCK)];
        if let Some(bias) = bias {
            padded_bias[..bias.len()].copy_from_slice(bias);
        }
        let [depth, height, width] = self.output;
        let rows = self.rows_of_job(map);
        let blocks = height.div_ceil(rows);
        let lengths =
            (0..self.batch * depth).flat_map(|_| pieces(height, rows)).map(|rows| rows * width * self.output_channels);
        let fill = |index: usize, part: &mut [MaybeUninit<f32>]| {
            let (plane, block) = (index / blocks, index % blocks);
            let (image, d) = (plane / depth, plane % depth);
            let h = block * rows..(block * rows + rows).min(height);
            let (d_range, h_range) = (self.source_range(0, d..d + 1), self.source_range(1, h.clone()));
            with_scratch(source.scratch_len(d_range.len(), h_range.len()), |scratch| {
                let source = source.rows(isa, image, d_range, h_range, scratch);
                let is_read = finish.is_some();
                isa.run(Job { pass: self, source, weights, bias: &padded_bias, d, h, output: part, is_read });
            });
            if let Some(finish) = finish {
                // SAFETY: the job has written every voxel of its rows and every channel of it.
                finish(index, unsafe { part.assume_init_ref() });
            }
        };
        // SAFETY: a job writes every voxel of its rows and every channel of it.
        unsafe { filled_parts(lengths, fill) }
    }
}

/// Some rows of one plane of the output.
struct Job<'a> {
    pass: &'a Correlation,
    source: super::source::Rows,
    weights: &'a Packed,
    bias: &'a [f32],
    d: usize,
    h: Range<usize>,
    output: &'a mut [MaybeUninit<f32>],
    /// Whether the output is read at once.
    is_read: bool,
}

impl Kernel for Job<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let pass = self.pass;
        let (channels, width, step_out) = (pass.output_channels, pass.output[2], pass.step_out[2]);
        let mut runs = Vec::with_capacity(pass.classes[0].len().max(1) * 9);
        let all = pass.batch * pass.output.iter().product::<usize>() * channels;
        let streams = !self.is_read && streams::<S>(all, self.output.as_ptr().cast(), channels);
        let mut channel = 0;
        // Channels outermost: the weights of a group stay in the cache for all rows of the job.
        while channel < channels {
            let vectors = if channels - channel > S::LANES { 2 } else { 1 };
            for (line, h) in self.h.clone().enumerate() {
                for class in 0..step_out.min(width) {
                    let block = self.runs(h, class, &mut runs);
                    let weights = self.weights.block(channel / BLOCK)[block..].as_ptr();
                    let task = Row {
                        runs: &runs,
                        count: (width - class).div_ceil(step_out),
                        x_step: pass.step_in[2] * pass.source_channels,
                        y_step: step_out * channels,
                        weights,
                        second: if S::LANES == BLOCK { self.weights.block_len() } else { S::LANES },
                        bias: self.bias[channel..].as_ptr(),
                        channels: channels - channel,
                        streams,
                    };
                    let output = self.output[(line * width + class) * channels + channel..].as_mut_ptr().cast();
                    // SAFETY: the runs lie in rows of the source with their margins, the weights in their block, the
                    // bias is padded to whole blocks and the output row is part of this job's output.
                    unsafe {
                        if vectors == 2 { row::<S, 2>(simd, &task, output) } else { row::<S, 1>(simd, &task, output) }
                    }
                }
            }
            channel += vectors * S::LANES;
        }
        if streams {
            fence();
        }
    }
}

impl Job<'_> {
    /// Fills in the runs of source values that the positions of one class of row `h` read, and returns where the
    /// class's weights begin in a block.
    #[inline(always)]
    fn runs(&self, h: usize, w_class: usize, runs: &mut Vec<Run>) -> usize {
        let pass = self.pass;
        let ((d_class, d_first), (h_class, h_first)) = (pass.reads(0, self.d), pass.reads(1, h));
        let w = &pass.classes[2][w_class];
        let (d_taps, h_taps) = (pass.classes[0][d_class].taps.len(), pass.classes[1][h_class].taps.len());
        let len = w.taps.len() * pass.source_channels;
        runs.clear();
        for td in 0..d_taps {
            let d = d_first + td as isize;
            if d < 0 || d as usize >= pass.source[0] {
                continue;
            }
            for th in 0..h_taps {
                let h = h_first + th as isize;
                if h < 0 || h as usize >= pass.source[1] {
                    continue;
                }
                let x = self.source.at(d as usize, h as usize).wrapping_offset(w.first * pass.source_channels as isize);
                runs.push(Run { x, weight: (td * h_taps + th) * len * BLOCK, len });
            }
        }
        self.weights.class([d_class, h_class, w_class])
    }
}
