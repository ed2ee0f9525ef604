//! AVX-512: 16 lanes, 32 registers.

use std::arch::x86_64::*;

use super::{Kernel, MANTISSA_BITS, SQRT_HALF_BITS, Simd};

/// Runs `kernel` compiled for AVX-512.
#[target_feature(enable = "avx512f")]
pub(super) fn run<K: Kernel>(kernel: K) {
    kernel.run(Avx512(()));
}

/// Exists only inside [`run`].
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: the token exists only where AVX-512 was detected; pointers are the caller's promise.
        unsafe { $call }
    };
}

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const MANY_REGISTERS: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        intrinsic!(_mm512_set1_ps(value))
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        intrinsic!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn fnma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        intrinsic!(_mm512_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn where_positive(self, key: __m512, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(key, _mm512_setzero_ps()), b, a))
    }
    #[inline(always)]
    fn power_of_two(self, exponent: __m512) -> __m512 {
        intrinsic!({
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(exponent), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        })
    }
    #[inline(always)]
    fn split_exponent(self, x: __m512) -> [__m512; 2] {
        intrinsic!({
            let bits = _mm512_castps_si512(x);
            let above = _mm512_sub_epi32(bits, _mm512_set1_epi32(SQRT_HALF_BITS));
            let exponent = _mm512_srai_epi32::<MANTISSA_BITS>(above);
            let rest = _mm512_sub_epi32(bits, _mm512_slli_epi32::<MANTISSA_BITS>(exponent));
            [_mm512_castsi512_ps(rest), _mm512_cvtepi32_ps(exponent)]
        })
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        intrinsic!(_mm512_loadu_ps(from))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m512) {
        intrinsic!(_mm512_storeu_ps(to, value))
    }
    #[inline(always)]
    unsafe fn stream(self, to: *mut f32, value: __m512) {
        intrinsic!(_mm512_stream_ps(to, value))
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> __m512 {
        if count >= Self::LANES {
            return intrinsic!(_mm512_loadu_ps(from));
        }
        intrinsic!(_mm512_maskz_loadu_ps((1u16 << count) - 1, from))
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, value: __m512, count: usize) {
        if count >= Self::LANES {
            return intrinsic!(_mm512_storeu_ps(to, value));
        }
        intrinsic!(_mm512_mask_storeu_ps(to, (1u16 << count) - 1, value));
    }
}
