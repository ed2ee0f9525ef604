//! Multi-head self-attention within windows of a grid, shifted or not, with a relative position bias (Liu et al. 2021;
//! in 3D Hatamizadeh et al. 2022).
//!
//! Windows lie side by side from the grid's first voxel on; where they reach beyond its end, their tokens have the
//! query, key and value of a zero vector, and are attended to like any other. In the shifted form windows wrap around
//! the grid's ends, and tokens of a window that are not neighbours in the grid get −100 added to their logit.
//!
//! A job takes one head of some windows. Lanes are queries: logits, softmax and sums run down the keys with nothing
//! crossing lanes, so all instruction sets give the same bits.

mod backward;
mod forward;
mod sums;
mod window;

use crate::output::{filled_anywhere, filled_together, with_scratch};
use crate::simd::Isa;
use window::Windows;

/// Windows of one job.
const CHUNK: usize = 16;
/// Queries are padded to a multiple of this: the most lanes of any instruction set.
const LANES: usize = 16;
/// Added to the logit of tokens that are not neighbours.
const APART: f32 = -100.0;

/// Sizes of an attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionShape {
    /// Images in the batch.
    pub batch: usize,
    /// Voxels of the grid per axis, each of which is a token.
    pub grid: [usize; 3],
    /// Heads.
    pub heads: usize,
    /// Channels of a head.
    pub head_size: usize,
    /// Voxels of a window along each axis; a grid of fewer has one window along that axis, and no shift.
    pub window: usize,
    /// Whether windows are shifted by half their size along every axis with more than one of them.
    pub shifted: bool,
}

impl AttentionShape {
    /// Channels of the output: those of all heads.
    pub fn channels(&self) -> usize {
        self.heads * self.head_size
    }

    /// Tokens of all images.
    pub fn tokens(&self) -> usize {
        self.batch * self.grid.iter().product::<usize>()
    }

    /// Entries of the bias table of one head: the distances between two voxels of a window, as `[2 window - 1]³`.
    pub fn distances(&self) -> usize {
        (2 * self.window - 1).pow(3)
    }

    /// Multiplications and additions: queries by keys, and logits by values.
    pub fn operations(&self) -> f64 {
        let windows = Windows::new(self);
        let tokens = windows.tokens() as f64;
        4.0 * (self.batch * windows.count()) as f64 * tokens * tokens * self.channels() as f64
    }

    /// Where in the bias table of a head the entry for a query and a key is.
    ///
    /// Both are numbered in the full window, even where the grid's is smaller: so the reference looks them up, and so
    /// weights have been trained.
    pub fn distance(&self, query: usize, key: usize) -> usize {
        let window = self.window;
        let position = |token: usize| [token / (window * window), token / window % window, token % window];
        let (query, key) = (position(query), position(key));
        (0..3).fold(0, |index, axis| index * (2 * window - 1) + query[axis] + window - 1 - key[axis])
    }

    fn check(&self, qkv: &[f32], table: &[f32], padding: &[f32]) {
        assert_eq!(qkv.len(), 3 * self.tokens() * self.channels(), "map does not match its shape");
        assert_eq!(table.len(), self.distances() * self.heads, "bias table does not match its shape");
        assert_eq!(padding.len(), 3 * self.channels(), "padding does not match its shape");
    }
}

/// Gradients of an attention, in the shapes of its inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// With respect to queries, keys and values.
    pub qkv: Vec<f32>,
    /// With respect to the bias table.
    pub table: Vec<f32>,
    /// With respect to what stands for tokens beyond the grid.
    pub padding: Vec<f32>,
}

/// `softmax(q kᵀ / √head_size + bias + mask) v` of every window and head, `[batch, D, H, W, channels]`.
///
/// `qkv` is `[batch, D, H, W, 3 * channels]`: queries of all heads, then keys, then values. `table` is
/// `[distances, heads]`. `padding`, `[3 * channels]`, stands for tokens beyond the grid.
pub fn forward(shape: &AttentionShape, qkv: &[f32], table: &[f32], padding: &[f32]) -> Vec<f32> {
    forward_on(Isa::best(), shape, qkv, table, padding)
}

/// Gradients of [`forward`], from the gradient `dy` of its output.
pub fn backward(shape: &AttentionShape, qkv: &[f32], table: &[f32], padding: &[f32], dy: &[f32]) -> Gradients {
    backward_on(Isa::best(), shape, qkv, table, padding, dy)
}

/// The operands of both directions.
struct Operands<'a> {
    shape: &'a AttentionShape,
    windows: Windows,
    qkv: &'a [f32],
    table: &'a [f32],
    padding: &'a [f32],
}

impl Operands<'_> {
    /// Head and windows of a job.
    fn job(&self, job: usize) -> (usize, std::ops::Range<usize>) {
        let windows = self.shape.batch * self.windows.count();
        let chunks = windows.div_ceil(CHUNK);
        let first = job % chunks * CHUNK;
        (job / chunks, first..windows.min(first + CHUNK))
    }

    fn jobs(&self) -> usize {
        self.shape.heads * (self.shape.batch * self.windows.count()).div_ceil(CHUNK)
    }
}

pub(crate) fn forward_on(isa: Isa, shape: &AttentionShape, qkv: &[f32], table: &[f32], padding: &[f32]) -> Vec<f32> {
    shape.check(qkv, table, padding);
    let operands = Operands { shape, windows: Windows::new(shape), qkv, table, padding };
    let fill = |job: usize, y: *mut f32| {
        let (head, windows) = operands.job(job);
        let scratch_len = forward::lengths(&operands).iter().sum();
        with_scratch(scratch_len, |scratch| isa.run(forward::Job { operands: &operands, head, windows, y, scratch }));
    };
    // SAFETY: every token is in one window, and the heads of all jobs are all channels.
    unsafe { filled_anywhere(shape.tokens() * shape.channels(), operands.jobs(), fill) }
}

pub(crate) fn backward_on(
    isa: Isa,
    shape: &AttentionShape,
    qkv: &[f32],
    table: &[f32],
    padding: &[f32],
    dy: &[f32],
) -> Gradients {
    shape.check(qkv, table, padding);
    assert_eq!(dy.len(), shape.tokens() * shape.channels(), "gradient does not match its shape");
    let operands = Operands { shape, windows: Windows::new(shape), qkv, table, padding };
    let (jobs, distances, size) = (operands.jobs(), shape.distances(), shape.head_size);
    let fill = |job: usize, [dqkv, tables, paddings]: [*mut f32; 3]| {
        let (head, windows) = operands.job(job);
        // SAFETY: each job has its own part of both lists.
        let (table, padding) = unsafe {
            (
                std::slice::from_raw_parts_mut(tables.add(job * distances), distances),
                std::slice::from_raw_parts_mut(paddings.add(job * 2 * size), 2 * size),
            )
        };
        table.fill(0.0);
        padding.fill(0.0);
        with_scratch(backward::lengths(&operands).as_flattened().iter().sum(), |scratch| {
            isa.run(backward::Job { operands: &operands, head, windows, dy, dqkv, table, padding, scratch });
        });
    };
    // SAFETY: every token is in one window, and the heads of all jobs are all channels; the lists are filled by part.
    let [dqkv, tables, paddings] =
        unsafe { filled_together([qkv.len(), jobs * distances, jobs * 2 * size], jobs, fill) };
    // Over the windows, in their order; queries beyond the grid have no output, and so no gradient.
    let chunks = jobs / shape.heads.max(1);
    let total = |lists: &[f32], len: usize, head: usize, index: usize| -> f32 {
        (0..chunks).map(|chunk| f64::from(lists[(head * chunks + chunk) * len + index])).sum::<f64>() as f32
    };
    let mut table_gradient = vec![0.0; table.len()];
    let mut padding_gradient = vec![0.0; padding.len()];
    for head in 0..shape.heads {
        for distance in 0..distances {
            table_gradient[distance * shape.heads + head] = total(&tables, distances, head, distance);
        }
        for index in 0..2 * size {
            let part = 1 + index / size;
            padding_gradient[part * shape.channels() + head * size + index % size] =
                total(&paddings, 2 * size, head, index);
        }
    }
    Gradients { qkv: dqkv, table: table_gradient, padding: padding_gradient }
}
