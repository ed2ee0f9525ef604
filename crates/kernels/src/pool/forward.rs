//! The forward pass.

use std::mem::MaybeUninit;

use super::choice::{where_replaced, worst};
use super::runs::Run;
use super::{Extremum, PoolShape};
use crate::output::{filled_parts, filled_with, pieces};
use crate::simd::{Isa, Kernel, Simd};

/// Output rows of one job.
const ROWS: usize = 8;

/// See [`super::forward`].
pub(super) fn forward(isa: Isa, extremum: Extremum, shape: &PoolShape, x: &[f32]) -> Vec<f32> {
    let (rows, row) = shape.rows(shape.output());
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        isa.run(Job { extremum, shape, x, first: job * ROWS, row, output: part });
    };
    // SAFETY: a job sets all its values before it compares.
    unsafe { filled_parts(pieces(rows, ROWS).map(|rows| rows * row), fill) }
}

/// Some output rows.
struct Job<'a> {
    extremum: Extremum,
    shape: &'a PoolShape,
    x: &'a [f32],
    first: usize,
    /// Values of a row.
    row: usize,
    output: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Job<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.extremum {
            Extremum::Max => self.rows::<S, false>(simd),
            Extremum::Min => self.rows::<S, true>(simd),
        }
    }
}

impl Job<'_> {
    #[inline(always)]
    fn rows<S: Simd, const MIN: bool>(self, simd: S) {
        let mut runs = Vec::new();
        for (index, output) in self.output.chunks_exact_mut(self.row.max(1)).enumerate() {
            let best = filled_with(output, worst::<MIN>());
            self.shape.runs_of_output(self.first + index, &mut runs);
            for Run { input, output, len, .. } in &runs {
                let (best, values) = (&mut best[*output..][..*len], &self.x[*input..][..*len]);
                let mut done = 0;
                while done < *len {
                    let count = len - done;
                    // SAFETY: both slices have `count` more values.
                    unsafe {
                        let best = best.as_mut_ptr().add(done);
                        let (old, value) =
                            (simd.load_first(best, count), simd.load_first(values.as_ptr().add(done), count));
                        simd.store_first(best, where_replaced::<S, MIN>(simd, value, old, value, old), count);
                    }
                    done += S::LANES;
                }
            }
        }
    }
}
