//! The Gaussian error linear unit, `x Φ(x)` with the exact normal distribution `Φ` (Hendrycks and Gimpel 2016).

use std::mem::MaybeUninit;

use crate::output::{filled_parts, pieces};
use crate::simd::math::normal;
use crate::simd::{Isa, Kernel, Simd};

/// Values of one job.
const PIECE: usize = 1 << 14;

/// `x Φ(x)` of every value.
pub fn forward(x: &[f32]) -> Vec<f32> {
    run_on(Isa::best(), x, None)
}

/// Gradient of [`forward`] with respect to `x`, from the gradient `dy` of its output: `dy (Φ(x) + x φ(x))`.
pub fn backward(x: &[f32], dy: &[f32]) -> Vec<f32> {
    run_on(Isa::best(), x, Some(dy))
}

pub(crate) fn run_on(isa: Isa, x: &[f32], dy: Option<&[f32]>) -> Vec<f32> {
    assert!(dy.is_none_or(|dy| dy.len() == x.len()), "gradient does not match its map");
    let fill = |job: usize, output: &mut [MaybeUninit<f32>]| {
        let range = job * PIECE..job * PIECE + output.len();
        isa.run(Piece { x: &x[range.clone()], dy: dy.map(|dy| &dy[range]), output });
    };
    // SAFETY: a job writes all its values.
    unsafe { filled_parts(pieces(x.len(), PIECE), fill) }
}

struct Piece<'a> {
    x: &'a [f32],
    /// In the backward direction.
    dy: Option<&'a [f32]>,
    output: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Piece<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let y: *mut f32 = self.output.as_mut_ptr().cast();
        let mut at = 0;
        while at < self.x.len() {
            let count = self.x.len() - at;
            // SAFETY: `count` values follow in all three.
            unsafe {
                let x = simd.load_first(self.x.as_ptr().add(at), count);
                let [below, density] = normal(simd, x);
                let value = match self.dy {
                    None => simd.mul(x, below),
                    Some(dy) => simd.mul(simd.load_first(dy.as_ptr().add(at), count), simd.fma(x, density, below)),
                };
                simd.store_first(y.add(at), value, count);
            }
            at += S::LANES;
        }
    }
}
