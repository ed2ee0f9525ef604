//! The backward pass: first which entry of each window was taken, then each input value collects from the windows that
//! took it, in index order, so that jobs share no sums.

use std::mem::MaybeUninit;

use super::choice::{where_replaced, worst};
use super::runs::Run;
use super::{Extremum, PoolShape};
use crate::output::{filled_parts, filled_with, pieces};
use crate::simd::{Isa, Kernel, Simd};

/// Rows of one job.
const ROWS: usize = 8;

/// See [`super::input_gradient`].
pub(super) fn input_gradient(isa: Isa, extremum: Extremum, shape: &PoolShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let (rows, row) = shape.rows(shape.output());
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        isa.run(Choose { extremum, shape, x, first: job * ROWS, row, taken: filled_with(part, 0.0) });
    };
    // SAFETY: a job zeroes all its values first.
    let taken = unsafe { filled_parts(pieces(rows, ROWS).map(|rows| rows * row), fill) };
    let (rows, row) = shape.rows(shape.input);
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        isa.run(Collect { shape, dy, taken: &taken, first: job * ROWS, row, dx: part });
    };
    // SAFETY: a job zeroes all its values before it adds.
    unsafe { filled_parts(pieces(rows, ROWS).map(|rows| rows * row), fill) }
}

/// The entries that the windows of some output rows take.
struct Choose<'a> {
    extremum: Extremum,
    shape: &'a PoolShape,
    x: &'a [f32],
    first: usize,
    /// Values of a row.
    row: usize,
    taken: &'a mut [f32],
}

impl Kernel for Choose<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.extremum {
            Extremum::Max => self.rows::<S, false>(simd),
            Extremum::Min => self.rows::<S, true>(simd),
        }
    }
}

impl Choose<'_> {
    #[inline(always)]
    fn rows<S: Simd, const MIN: bool>(self, simd: S) {
        let mut runs = Vec::new();
        let mut best = vec![0.0; self.row];
        for (index, taken) in self.taken.chunks_exact_mut(self.row.max(1)).enumerate() {
            best.fill(worst::<MIN>());
            self.shape.first_entries(self.first + index, taken);
            self.shape.runs_of_output(self.first + index, &mut runs);
            for Run { input, output, len, entry } in &runs {
                let (best, taken) = (&mut best[*output..][..*len], &mut taken[*output..][..*len]);
                let values = &self.x[*input..][..*len];
                let entry = simd.splat(*entry);
                let mut done = 0;
                while done < *len {
                    let count = len - done;
                    // SAFETY: all three slices have `count` more values.
                    unsafe {
                        let (best, taken) = (best.as_mut_ptr().add(done), taken.as_mut_ptr().add(done));
                        let (old, value) =
                            (simd.load_first(best, count), simd.load_first(values.as_ptr().add(done), count));
                        let choice = simd.load_first(taken, count);
                        simd.store_first(best, where_replaced::<S, MIN>(simd, value, old, value, old), count);
                        simd.store_first(taken, where_replaced::<S, MIN>(simd, value, old, entry, choice), count);
                    }
                    done += S::LANES;
                }
            }
        }
    }
}

/// The gradients of some input rows.
struct Collect<'a> {
    shape: &'a PoolShape,
    dy: &'a [f32],
    taken: &'a [f32],
    first: usize,
    /// Values of a row.
    row: usize,
    dx: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Collect<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut runs = Vec::new();
        for (index, dx) in self.dx.chunks_exact_mut(self.row.max(1)).enumerate() {
            let dx = filled_with(dx, 0.0);
            self.shape.runs_of_input(self.first + index, &mut runs);
            for Run { input, output, len, entry } in &runs {
                let sums = &mut dx[*input..][..*len];
                let (gradients, taken) = (&self.dy[*output..][..*len], &self.taken[*output..][..*len]);
                let entry = simd.splat(*entry);
                let mut done = 0;
                while done < *len {
                    let count = len - done;
                    // SAFETY: all three slices have `count` more values.
                    unsafe {
                        let sum = sums.as_mut_ptr().add(done);
                        let gradient = simd.load_first(gradients.as_ptr().add(done), count);
                        let other = simd.sub(simd.load_first(taken.as_ptr().add(done), count), entry);
                        // Positive only where the two whole numbers are equal.
                        let same = simd.fnma(other, other, simd.splat(0.5));
                        let gradient = simd.where_positive(same, gradient, simd.zero());
                        simd.store_first(sum, simd.add(simd.load_first(sum, count), gradient), count);
                    }
                    done += S::LANES;
                }
            }
        }
    }
}
