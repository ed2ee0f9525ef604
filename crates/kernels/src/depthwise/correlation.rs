//! The forward pass, and the input gradient, which is the same with other kernel entries and steps.
//!
//! Every output voxel adds its kernel entries in the order of their source voxels, whatever the job or the tile.

use std::ops::Range;

use super::DepthwiseShape;
use super::axis::Axis;
use super::boxes::{Boxes, GROUP, Rows, Source};
use super::pack::Packed;
use super::tile::{Run, neighbours, voxels};
use crate::output::{filled_anywhere, with_scratch};
use crate::simd::{Isa, Kernel, Simd};

/// Voxels of a tile: with two multiply-adds of four cycles each in flight, fewer would wait for each other.
const TILE: usize = 8;
/// Voxels of the last tile of a row if no more are left.
const HALF: usize = 4;

/// A pass from a source to an output map.
pub(super) struct Correlation {
    batch: usize,
    channels: usize,
    kernel: [usize; 3],
    axes: [Axis; 3],
}

impl Correlation {
    pub fn forward(shape: &DepthwiseShape) -> Self {
        Self::with_axes(shape, [0, 1, 2].map(|axis| Axis::forward(shape, axis)))
    }

    pub fn input_gradient(shape: &DepthwiseShape) -> Self {
        Self::with_axes(shape, [0, 1, 2].map(|axis| Axis::input_gradient(shape, axis)))
    }

    fn with_axes(shape: &DepthwiseShape, axes: [Axis; 3]) -> Self {
        Self { batch: shape.batch, channels: shape.channels, kernel: shape.kernel, axes }
    }

    /// Voxels before a source row that are read, and voxels of the whole row with those before and after it, up to
    /// the end of the last tile.
    fn row(&self) -> (usize, usize) {
        let width = &self.axes[2];
        let (mut before, mut end) = (0, width.source as isize);
        for (index, class) in width.classes.iter().enumerate() {
            let tiled = width.output.saturating_sub(index).div_ceil(width.classes.len()).next_multiple_of(HALF);
            if tiled > 0 {
                before = before.max(-class.first);
                end = end.max(((tiled - 1) * width.step_in + class.entries.len()) as isize + class.first);
            }
        }
        (before as usize, (before + end) as usize)
    }

    /// Computes the pass.
    pub fn run(&self, isa: Isa, map: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let [depth, height, width] = [0, 1, 2].map(|axis| self.axes[axis].output);
        let len = self.batch * depth * height * width * self.channels;
        if len == 0 {
            return Vec::new();
        }
        let (before, row) = self.row();
        let size = [0, 1, 2].map(|axis| self.axes[axis].source);
        let source = Source { map, size, channels: self.channels, before, row };
        let boxes = Boxes::new(&self.axes[0], &self.axes[1], row);
        let weights = Packed::new(self.kernel, &self.axes[2], weight, isa.lanes());
        let mut start = vec![0.0; self.channels.next_multiple_of(GROUP)];
        if let Some(bias) = bias {
            start[..bias.len()].copy_from_slice(bias);
        }
        let groups = self.channels.div_ceil(GROUP);
        let fill = |job: usize, output: *mut f32| {
            let rows = boxes.rows(job / groups);
            let first = job % groups * GROUP;
            let channels = first..(first + GROUP).min(self.channels);
            with_scratch(boxes.most_rows().0 * row * isa.lanes(), |copy| {
                let task = Job { pass: self, source, weights: &weights, start: &start, rows, channels, output };
                isa.run(Copied { task, copy });
            });
        };
        // SAFETY: boxes and groups of channels cover the output once, and a job writes all of its box and group.
        unsafe { filled_anywhere(len, boxes.count(self.batch) * groups, fill) }
    }
}

/// Some channels of a box of output rows.
struct Job<'a> {
    pass: &'a Correlation,
    source: Source<'a>,
    weights: &'a Packed,
    /// Bias of all channels, for whole vectors.
    start: &'a [f32],
    rows: Rows,
    channels: Range<usize>,
    output: *mut f32,
}

/// A job with room for the copy of what it reads.
struct Copied<'a> {
    task: Job<'a>,
    copy: &'a mut [f32],
}

impl Kernel for Copied<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { task, copy } = self;
        let [depth, height, _] = &task.pass.axes;
        let (d, h) = (depth.source_range(task.rows.d.clone()), height.source_range(task.rows.h.clone()));
        let runs = task.runs(S::LANES, &d, &h);
        let mut first = task.channels.start;
        while first < task.channels.end {
            let channels = first..(first + S::LANES).min(task.channels.end);
            task.source.copy(task.rows.image, d.clone(), h.clone(), channels.clone(), S::LANES, copy);
            task.vector(simd, &runs, copy, channels);
            first += S::LANES;
        }
    }
}

impl Job<'_> {
    /// The copied rows that each output row reads.
    fn runs(&self, lanes: usize, d: &Range<usize>, h: &Range<usize>) -> Vec<Vec<Run>> {
        let [depth, height, _] = &self.pass.axes;
        let [_, kernel_height, kernel_width] = self.pass.kernel;
        let mut all = Vec::with_capacity(self.rows.d.len() * self.rows.h.len());
        for output_d in self.rows.d.clone() {
            for output_h in self.rows.h.clone() {
                let ((d_class, d_first), (h_class, h_first)) = (depth.reads(output_d), height.reads(output_h));
                let mut runs = Vec::with_capacity(d_class.entries.len() * h_class.entries.len());
                for (plane, &a) in (d_first..).zip(&d_class.entries) {
                    for (line, &b) in (h_first..).zip(&h_class.entries) {
                        if (0..depth.source as isize).contains(&plane) && (0..height.source as isize).contains(&line) {
                            let index = (plane as usize - d.start) * h.len() + line as usize - h.start;
                            let weight = (a * kernel_height + b) * kernel_width * lanes;
                            runs.push(Run { x: index * self.source.row * lanes, weight });
                        }
                    }
                }
                all.push(runs);
            }
        }
        all
    }

    /// All voxels of the box for one vector of channels.
    #[inline(always)]
    fn vector<S: Simd>(&self, simd: S, runs: &[Vec<Run>], copy: &[f32], channels: Range<usize>) {
        // Steps that are known when this is compiled cost no address arithmetic.
        match self.pass.axes[2].step_in {
            1 => self.columns::<S, 1>(simd, runs, copy, channels),
            2 => self.columns::<S, 2>(simd, runs, copy, channels),
            _ => self.columns::<S, 0>(simd, runs, copy, channels),
        }
    }

    /// All columns of tiles of the box.
    #[inline(always)]
    fn columns<S: Simd, const STEP: usize>(&self, simd: S, runs: &[Vec<Run>], copy: &[f32], channels: Range<usize>) {
        let width = &self.pass.axes[2];
        let mut weights = self.weights.vector(channels.start / S::LANES).as_ptr();
        for (index, class) in width.classes.iter().enumerate() {
            let count = width.output.saturating_sub(index).div_ceil(width.classes.len());
            let mut done = 0;
            while done < count {
                let first = (self.source.before + done * width.step_in).wrapping_add_signed(class.first);
                let task = Column {
                    x: copy.as_ptr().wrapping_add(first * S::LANES),
                    weights,
                    entries: class.entries.len(),
                    voxel: done * width.classes.len() + index,
                    voxels: count - done,
                };
                if count - done > HALF {
                    self.column::<S, TILE, STEP>(simd, runs, &task, channels.clone());
                    done += TILE;
                } else {
                    self.column::<S, HALF, STEP>(simd, runs, &task, channels.clone());
                    done += HALF;
                }
            }
            weights = weights.wrapping_add(class.entries.len() * S::LANES);
        }
    }

    /// The tiles of one column, row after row.
    #[inline(always)]
    fn column<S: Simd, const R: usize, const STEP: usize>(
        &self,
        simd: S,
        runs: &[Vec<Run>],
        task: &Column,
        channels: Range<usize>,
    ) {
        let [depth, height, width] = &self.pass.axes;
        let step_out = width.classes.len() * self.pass.channels;
        // SAFETY: the bias is padded to whole vectors.
        let start = unsafe { simd.load(self.start[channels.start..].as_ptr()) };
        for (index, runs) in runs.iter().enumerate() {
            let d = self.rows.d.start + index / self.rows.h.len();
            let h = self.rows.h.start + index % self.rows.h.len();
            let voxel = ((self.rows.image * depth.output + d) * height.output + h) * width.output + task.voxel;
            let output = self.output.wrapping_add(voxel * self.pass.channels + channels.start);
            // SAFETY: copied rows reach to the end of the last tile; the voxels and channels are the job's own.
            unsafe {
                let at = (task.x, task.weights);
                let sums = match (STEP, task.entries) {
                    (1, 3) => neighbours::<S, R, 3>(simd, runs, at, start),
                    (1, 5) => neighbours::<S, R, 5>(simd, runs, at, start),
                    (1, 7) => neighbours::<S, R, 7>(simd, runs, at, start),
                    (_, entries) => voxels::<S, R, STEP>(simd, runs, at, (entries, width.step_in), start),
                };
                for r in 0..R {
                    if r < task.voxels {
                        simd.store_first(output.wrapping_add(r * step_out), sums[r], channels.len());
                    }
                }
            }
        }
    }
}

/// A column of tiles.
struct Column {
    /// Where the first voxel reads the first row of the copy.
    x: *const f32,
    weights: *const f32,
    entries: usize,
    /// First output voxel of the row, and how many are left.
    voxel: usize,
    voxels: usize,
}
