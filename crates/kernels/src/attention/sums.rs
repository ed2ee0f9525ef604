//! The inner loop of all products of an attention.

use crate::simd::Simd;

/// Vectors, and for each of them factors of several sums: where they are, and how far apart.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// Number of vectors.
    pub count: usize,
    /// First vector.
    pub vectors: *const f32,
    /// Distance of neighbouring vectors.
    pub vector_step: usize,
    /// Factor of the first vector in the first sum.
    pub factors: *const f32,
    /// Distance of the factors of neighbouring vectors.
    pub factor_step: usize,
    /// Distance of the factors of neighbouring sums.
    pub between: usize,
}

/// `sums[r] + sum over vectors of factor[r] * vector`, for `R` sums.
///
/// # Safety
/// The pointers must be valid for what [`Terms`] says.
#[inline(always)]
pub(super) unsafe fn add_terms<S: Simd, const R: usize>(simd: S, terms: Terms, sums: [S::V; R]) -> [S::V; R] {
    let mut sums = sums;
    for index in 0..terms.count {
        // SAFETY: the caller's promise.
        unsafe {
            let vector = simd.load(terms.vectors.add(index * terms.vector_step));
            for r in 0..R {
                let factor = *terms.factors.add(index * terms.factor_step + r * terms.between);
                sums[r] = simd.fma(simd.splat(factor), vector, sums[r]);
            }
        }
    }
    sums
}
