//! Which of two values a window takes.

use crate::simd::Simd;

/// What every value replaces or equals.
pub(super) fn worst<const MIN: bool>() -> f32 {
    if MIN { f32::INFINITY } else { f32::NEG_INFINITY }
}

/// `then` in the lanes where `value` replaces `best`, which are those where it is better or a NaN; else `otherwise`.
#[inline(always)]
pub(super) fn where_replaced<S: Simd, const MIN: bool>(
    simd: S,
    value: S::V,
    best: S::V,
    then: S::V,
    otherwise: S::V,
) -> S::V {
    // Of equal infinities it is a NaN, which is not positive, as it has to be.
    let lead = if MIN { simd.sub(best, value) } else { simd.sub(value, best) };
    // At least 1 for all values but a NaN.
    let number = simd.fma(value, value, simd.splat(1.0));
    simd.where_positive(lead, then, simd.where_positive(number, otherwise, then))
}
