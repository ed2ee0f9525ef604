//! One-dimensional transforms of Winograd's algorithm F(M, 3): `M` outputs of a 3-tap correlation from `M + 2`
//! products.
//!
//! `y = At [(G g) * (Bt d)]` (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016).
//! Interpolation points: 0, 1, -1 and infinity for `M = 2`; 0, ±1/sqrt(2), ±sqrt(2) and infinity for `M = 4`, whose
//! rounding error is a third of that of 0, ±1, ±2. Arrays have room for the largest case; of `M + 2` samples the
//! first ones count, the rest is never read.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::simd::Simd;

/// Six values, the last two only where `M` is 4. Written out, because the compiler would keep arrays that a loop fills
/// in memory.
macro_rules! samples {
    ($m:expr, $simd:expr, $i:ident => $value:expr) => {
        [
            {
                const $i: usize = 0;
                $value
            },
            {
                const $i: usize = 1;
                $value
            },
            {
                const $i: usize = 2;
                $value
            },
            {
                const $i: usize = 3;
                $value
            },
            if $m > 2 {
                const $i: usize = 4;
                $value
            } else {
                $simd.zero()
            },
            if $m > 2 {
                const $i: usize = 5;
                $value
            } else {
                $simd.zero()
            },
        ]
    };
}
pub(super) use samples;

/// Does something for each of the first `$count` (at most 6) indices.
macro_rules! for_each_index {
    ($count:expr, $i:ident => $action:expr) => {
        if $count > 0 {
            const $i: usize = 0;
            $action;
        }
        if $count > 1 {
            const $i: usize = 1;
            $action;
        }
        if $count > 2 {
            const $i: usize = 2;
            $action;
        }
        if $count > 3 {
            const $i: usize = 3;
            $action;
        }
        if $count > 4 {
            const $i: usize = 4;
            $action;
        }
        if $count > 5 {
            const $i: usize = 5;
            $action;
        }
    };
}
pub(super) use for_each_index;

/// `Bt d`: input samples to frequencies.
#[inline(always)]
pub(super) fn input<S: Simd, const M: usize>(simd: S, d: [S::V; 6]) -> [S::V; 6] {
    if M == 2 {
        let zero = simd.zero();
        return [simd.sub(d[0], d[2]), simd.add(d[1], d[2]), simd.sub(d[2], d[1]), simd.sub(d[3], d[1]), zero, zero];
    }
    let (a, b) = (simd.splat(FRAC_1_SQRT_2), simd.splat(SQRT_2));
    let (half, two, five_halves) = (simd.splat(0.5), simd.splat(2.0), simd.splat(2.5));
    let even_a = simd.fnma(two, d[2], d[4]);
    let odd_a = simd.fnma(two, d[1], d[3]);
    let even_b = simd.fnma(half, d[2], d[4]);
    let odd_b = simd.fnma(half, d[1], d[3]);
    [
        simd.fnma(five_halves, d[2], simd.add(d[0], d[4])),
        simd.fma(a, odd_a, even_a),
        simd.fnma(a, odd_a, even_a),
        simd.fma(b, odd_b, even_b),
        simd.fnma(b, odd_b, even_b),
        simd.fnma(five_halves, d[3], simd.add(d[1], d[5])),
    ]
}

/// `At m`: products to outputs.
#[inline(always)]
pub(super) fn output<S: Simd, const M: usize>(simd: S, m: [S::V; 6]) -> [S::V; 6] {
    let zero = simd.zero();
    let (sum_a, difference_a) = (simd.add(m[1], m[2]), simd.sub(m[1], m[2]));
    if M == 2 {
        return [simd.add(m[0], sum_a), simd.add(difference_a, m[3]), zero, zero, zero, zero];
    }
    let (a, b) = (FRAC_1_SQRT_2, SQRT_2);
    let (sum_b, difference_b) = (simd.add(m[3], m[4]), simd.sub(m[3], m[4]));
    [
        simd.add(simd.add(m[0], sum_a), sum_b),
        simd.fma(simd.splat(b), difference_b, simd.mul(simd.splat(a), difference_a)),
        simd.fma(simd.splat(2.0), sum_b, simd.mul(simd.splat(0.5), sum_a)),
        simd.fma(simd.splat(2.0 * b), difference_b, simd.fma(simd.splat(0.5 * a), difference_a, m[5])),
        zero,
        zero,
    ]
}

/// `G g`: kernel to frequencies.
#[inline(always)]
pub(super) fn kernel<S: Simd, const M: usize>(simd: S, g: [S::V; 3]) -> [S::V; 6] {
    if M == 2 {
        let half = simd.splat(0.5);
        let (even, odd) = (simd.mul(half, simd.add(g[0], g[2])), simd.mul(half, g[1]));
        return [g[0], simd.add(even, odd), simd.sub(even, odd), g[2], simd.zero(), simd.zero()];
    }
    // 1 / N'(point) for the polynomial N through all points.
    let (at_a, at_b) = (-2.0 / 3.0, 1.0 / 6.0);
    let even_a = simd.fma(simd.splat(0.5 * at_a), g[2], simd.mul(simd.splat(at_a), g[0]));
    let odd_a = simd.mul(simd.splat(FRAC_1_SQRT_2 * at_a), g[1]);
    let even_b = simd.fma(simd.splat(2.0 * at_b), g[2], simd.mul(simd.splat(at_b), g[0]));
    let odd_b = simd.mul(simd.splat(SQRT_2 * at_b), g[1]);
    [g[0], simd.add(even_a, odd_a), simd.sub(even_a, odd_a), simd.add(even_b, odd_b), simd.sub(even_b, odd_b), g[2]]
}

/// `A y`: output gradients to frequencies; the transpose of [`output`].
#[inline(always)]
pub(super) fn gradient<S: Simd, const M: usize>(simd: S, y: [S::V; 6]) -> [S::V; 6] {
    if M == 2 {
        return [y[0], simd.add(y[0], y[1]), simd.sub(y[0], y[1]), y[1], simd.zero(), simd.zero()];
    }
    let (half, two) = (simd.splat(0.5), simd.splat(2.0));
    let even_a = simd.fma(half, y[2], y[0]);
    let odd_a = simd.mul(simd.splat(FRAC_1_SQRT_2), simd.fma(half, y[3], y[1]));
    let even_b = simd.fma(two, y[2], y[0]);
    let odd_b = simd.mul(simd.splat(SQRT_2), simd.fma(two, y[3], y[1]));
    [y[0], simd.add(even_a, odd_a), simd.sub(even_a, odd_a), simd.add(even_b, odd_b), simd.sub(even_b, odd_b), y[3]]
}

/// `Gt u`: frequencies to kernel gradients; the transpose of [`kernel`].
#[inline(always)]
pub(super) fn kernel_gradient<S: Simd, const M: usize>(simd: S, u: [S::V; 6]) -> [S::V; 3] {
    let (sum_a, difference_a) = (simd.add(u[1], u[2]), simd.sub(u[1], u[2]));
    if M == 2 {
        let half = simd.splat(0.5);
        let even = simd.mul(half, sum_a);
        return [simd.add(u[0], even), simd.mul(half, difference_a), simd.add(even, u[3])];
    }
    let (at_a, at_b) = (-2.0 / 3.0, 1.0 / 6.0);
    let (sum_b, difference_b) = (simd.add(u[3], u[4]), simd.sub(u[3], u[4]));
    [
        simd.fma(simd.splat(at_b), sum_b, simd.fma(simd.splat(at_a), sum_a, u[0])),
        simd.fma(simd.splat(SQRT_2 * at_b), difference_b, simd.mul(simd.splat(FRAC_1_SQRT_2 * at_a), difference_a)),
        simd.fma(simd.splat(2.0 * at_b), sum_b, simd.fma(simd.splat(0.5 * at_a), sum_a, u[5])),
    ]
}
