//! AVX2 with FMA: 8 lanes, 16 registers.

use std::arch::x86_64::*;

use super::{Kernel, MANTISSA_BITS, SQRT_HALF_BITS, Simd};

/// Runs `kernel` compiled for AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) fn run<K: Kernel>(kernel: K) {
    kernel.run(Avx2(()));
}

/// Exists only inside [`run`].
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: the token exists only where AVX2 and FMA were detected; pointers are the caller's promise.
        unsafe { $call }
    };
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        intrinsic!(_mm256_set1_ps(value))
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        intrinsic!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn fnma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        intrinsic!(_mm256_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn where_positive(self, key: __m256, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_blendv_ps(b, a, _mm256_cmp_ps::<_CMP_GT_OQ>(key, _mm256_setzero_ps())))
    }
    #[inline(always)]
    fn power_of_two(self, exponent: __m256) -> __m256 {
        intrinsic!({
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(exponent), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
        })
    }
    #[inline(always)]
    fn split_exponent(self, x: __m256) -> [__m256; 2] {
        intrinsic!({
            let bits = _mm256_castps_si256(x);
            let above = _mm256_sub_epi32(bits, _mm256_set1_epi32(SQRT_HALF_BITS));
            let exponent = _mm256_srai_epi32::<{ MANTISSA_BITS as i32 }>(above);
            let rest = _mm256_sub_epi32(bits, _mm256_slli_epi32::<{ MANTISSA_BITS as i32 }>(exponent));
            [_mm256_castsi256_ps(rest), _mm256_cvtepi32_ps(exponent)]
        })
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        intrinsic!(_mm256_loadu_ps(from))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m256) {
        intrinsic!(_mm256_storeu_ps(to, value))
    }
}
