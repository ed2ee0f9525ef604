//! The weight gradient: `dW = Gt [sum over tiles of (Bt x) (A dy)]`, one matrix of channels by channels per frequency.
//!
//! A job takes a chunk of the tiles and a slab of input and output channels, and carries a few tiles at a time through
//! both transforms and into the sums: along depth and height for all planes of frequencies, then, plane by plane, along
//! width and into the products, while the plane's frequencies lie in the first-level cache. The sums are kept by the
//! job: with the largest tiles they take 0.9 MB, the columns of the few tiles a third of that, and all of it stays in a
//! second-level cache. Sums of all channels at once, or batches of tiles for all threads together, go through memory
//! again and again (measured: two to four times slower). That some tiles are transformed for several slabs is cheaper.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::blocks as in_blocks;
use super::columns::{Columns, gradient_columns, gradient_lines, input_columns, input_lines};
use super::grid::Grid;
use super::input::Source;
use super::weights::{Back, ENTRIES, SLAB};
use crate::conv::{ConvShape, Input};
use crate::output::{filled_parts, pieces, with_scratch};
use crate::simd::{Isa, Kernel, Simd};
use crate::tile::{BLOCK, Lines, add_products};

/// Tiles that are transformed and added together: for so many, the sums of all frequencies are read and written once.
const TILES: usize = 24;
/// Least tiles of a chunk: the sums of one have to be transformed back.
const CHUNK: usize = 64;
/// Jobs that are wanted, for the threads of a large machine. A constant, as the order of the sums depends on it.
const JOBS: usize = 16;
/// Planes of columns and frequencies of sums are padded by a cache line, so that they do not fall into the same cache
/// sets.
const PAD: usize = 16;

/// Gradient with respect to the weight, `[out, in, 3, 3, 3]`, by tiles of `D * H * W` outputs.
pub(super) fn weight_gradient<const D: usize, const H: usize, const W: usize>(
    isa: Isa,
    shape: &ConvShape,
    x: Input,
    dy: &[f32],
) -> Vec<f32> {
    let (batch, padding) = (shape.batch, shape.padding);
    let grid = Grid { batch, source: shape.input, output: shape.output(), padding, tile: [D, H, W] };
    let source = Source::new(&grid, x, shape.in_channels);
    let (inputs, outputs) = (in_blocks(shape.in_channels), in_blocks(shape.out_channels));
    let slabs = |channels: usize| (0..channels).step_by(SLAB).map(move |first| first..(first + SLAB).min(channels));
    let blocks: Vec<_> =
        slabs(outputs).flat_map(|output| slabs(inputs).map(move |input| (input, output.clone()))).collect();
    let all = grid.tiles();
    let chunks = JOBS.div_ceil(blocks.len().max(1)).min(all.div_ceil(CHUNK)).max(1);
    let per_chunk = all.div_ceil(chunks);
    let job = |index: usize| {
        let ((inputs, outputs), chunk) = (blocks[index / chunks].clone(), index % chunks);
        let tiles = (chunk * per_chunk).min(all)..(chunk * per_chunk + per_chunk).min(all);
        Job { grid: &grid, source: &source, dy, out_channels: shape.out_channels, inputs, outputs, tiles }
    };
    let lengths = (0..blocks.len() * chunks).map(|index| ENTRIES * job(index).pairs());
    // SAFETY: a job writes the gradients of all entries for all its pairs of channels.
    let parts = unsafe { filled_parts(lengths, |index, part| job(index).run::<D, H, W>(isa, part)) };
    reduce(&parts, [inputs, outputs], [shape.in_channels, shape.out_channels], chunks)
}

/// Adds the chunks of each slab in order and transposes to `[out, in, 3, 3, 3]`. `parts` are what the jobs made:
/// `[slab of outputs][slab of inputs][chunk][27][in][out]`, of whole blocks of channels; what is kept are those that are
/// `there`.
fn reduce(parts: &[f32], [inputs, outputs]: [usize; 2], there: [usize; 2], chunks: usize) -> Vec<f32> {
    let fill = |block: usize, part: &mut [MaybeUninit<f32>]| {
        let slab = block * BLOCK / SLAB * SLAB;
        let of_slab = SLAB.min(outputs - slab);
        for input in 0..there[0] {
            let input_slab = input / SLAB * SLAB;
            let pairs = SLAB.min(inputs - input_slab) * of_slab;
            let first = ENTRIES * chunks * (slab * inputs + input_slab * of_slab);
            let in_slab = (input - input_slab) * of_slab + block * BLOCK - slab;
            for k in 0..ENTRIES {
                let mut sums = [0.0f32; BLOCK];
                for chunk in 0..chunks {
                    let at = first + (chunk * ENTRIES + k) * pairs + in_slab;
                    sums.iter_mut().zip(&parts[at..at + BLOCK]).for_each(|(sum, value)| *sum += value);
                }
                for (kernels, sum) in part.chunks_exact_mut(there[0] * ENTRIES).zip(sums) {
                    kernels[input * ENTRIES + k].write(sum);
                }
            }
        }
    };
    // SAFETY: the loops cover all input channels and entries of each output channel of the block.
    unsafe { filled_parts(pieces(there[1], BLOCK).map(|outputs| outputs * there[0] * ENTRIES), fill) }
}

/// Some tiles of some channels.
struct Job<'a> {
    grid: &'a Grid,
    source: &'a Source<'a>,
    /// Gradient of the output.
    dy: &'a [f32],
    /// Its channels.
    out_channels: usize,
    inputs: Range<usize>,
    outputs: Range<usize>,
    tiles: Range<usize>,
}

impl Job<'_> {
    /// Pairs of its channels.
    fn pairs(&self) -> usize {
        self.inputs.len() * self.outputs.len()
    }

    /// The gradient of these channels by these tiles, `[27][in][out]`.
    fn run<const D: usize, const H: usize, const W: usize>(&self, isa: Isa, entries: &mut [MaybeUninit<f32>]) {
        let (inputs, outputs) = (self.inputs.len(), self.outputs.len());
        let step = self.pairs() + PAD;
        let (planes, in_plane) = ((D + 2) * (H + 2), (W + 2) * step);
        // A row of tiles reads two columns more than it covers, and each of the tiles may be a row of its own.
        let x_step = TILES * (W + 2) * inputs + PAD;
        let dy_step = TILES * W * outputs + PAD;
        let (x_lines, dy_lines) = ((W + 2) * TILES * inputs, (W + 2) * TILES * outputs);
        with_scratch(planes * (x_step + dy_step + in_plane) + x_lines + dy_lines, |scratch| {
            let (x, scratch) = scratch.split_at_mut(planes * x_step);
            let (dy, scratch) = scratch.split_at_mut(planes * dy_step);
            let (x_lines, scratch) = scratch.split_at_mut(x_lines);
            let (dy_lines, sums) = scratch.split_at_mut(dy_lines);
            if self.tiles.is_empty() {
                sums.fill(0.0);
            }
            for first in self.tiles.clone().step_by(TILES) {
                let tiles = first..(first + TILES).min(self.tiles.end);
                let x_to = Columns { values: x.as_mut_ptr(), step: x_step, channels: inputs };
                let dy_to = Columns { values: dy.as_mut_ptr(), step: dy_step, channels: outputs };
                isa.run(TransformColumns::<D, H, W> { job: self, tiles: tiles.clone(), x_to, dy_to });
                for (plane, sums) in sums.chunks_exact_mut(in_plane).enumerate() {
                    isa.run(AddPlane::<W> {
                        grid: self.grid,
                        tiles: tiles.clone(),
                        channels: [inputs, outputs],
                        columns: [&x[plane * x_step..], &dy[plane * dy_step..]],
                        lines: [x_lines, dy_lines],
                        sums,
                        step,
                        first: first == self.tiles.start,
                    });
                }
            }
            isa.run(Back::<D, H, W> { sums, step, entries });
        });
    }
}

/// The transforms of some tiles along depth and height.
struct TransformColumns<'a, const D: usize, const H: usize, const W: usize> {
    job: &'a Job<'a>,
    tiles: Range<usize>,
    x_to: Columns,
    dy_to: Columns,
}

impl<const D: usize, const H: usize, const W: usize> Kernel for TransformColumns<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Job { grid, source, dy, out_channels, inputs, outputs, .. } = self.job;
        let dy = (dy.as_ptr(), *out_channels);
        // SAFETY: there is room for the columns of so many tiles; the channels are multiples of the lanes.
        unsafe {
            input_columns::<S, D, H, W>(simd, grid, source, inputs.clone(), self.tiles.clone(), self.x_to);
            gradient_columns::<S, D, H, W>(simd, grid, dy, outputs.clone(), self.tiles, self.dy_to);
        }
    }
}

/// The transforms along width of one plane, and the products of its frequencies, tile after tile.
struct AddPlane<'a, const W: usize> {
    grid: &'a Grid,
    tiles: Range<usize>,
    /// Of input and output.
    channels: [usize; 2],
    /// The plane's columns of both.
    columns: [&'a [f32]; 2],
    /// Room for its frequencies, `[frequency][tile][channels]`.
    lines: [&'a mut [f32]; 2],
    /// `[frequency][in][out]`, the frequencies `step` apart.
    sums: &'a mut [f32],
    step: usize,
    /// Whether these are the first products of the sums.
    first: bool,
}

impl<const W: usize> Kernel for AddPlane<'_, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (count, [inputs, outputs]) = (self.tiles.len(), self.channels);
        let [x, dy] = self.columns.map(<[f32]>::as_ptr);
        let [x_to, dy_to] = self.lines.map(<[f32]>::as_mut_ptr);
        let (x_step, dy_step) = (TILES * inputs, TILES * outputs);
        // SAFETY: the plane holds the columns of the tiles, and there is room for their frequencies.
        unsafe {
            input_lines::<S, W>(simd, self.grid, inputs, self.tiles, x, x_to, x_step);
            gradient_lines::<S, W>(simd, outputs, count, dy, dy_to, dy_step);
        }
        for (frequency, sums) in self.sums.chunks_exact_mut(self.step).enumerate() {
            let x = x_to.wrapping_add(frequency * x_step).cast_const();
            let dy = dy_to.wrapping_add(frequency * dy_step).cast_const();
            let lines = Lines { rows: &[(x, dy)], count, left_step: inputs, right_step: outputs, first: self.first };
            // SAFETY: both hold the tiles' channels, and the sums all pairs of them.
            unsafe { add_products(simd, &lines, inputs, outputs, sums.as_mut_ptr()) }
        }
    }
}
