//! Plain Rust that compiles everywhere; the compiler vectorises it where the target has fused multiply-add (NEON).

use super::{MANTISSA_BITS, SQRT_HALF_BITS, Simd};

/// An array of 8 lanes, for few registers, or of 16, for many: with the latter, tests run the code that AVX-512 takes
/// on any machine.
#[derive(Clone, Copy)]
pub(super) struct Portable<const LANES: usize>;

macro_rules! lanes {
    ($lane:ident => $value:expr) => {{
        let mut result = [0.0; LANES];
        for $lane in 0..LANES {
            result[$lane] = $value;
        }
        result
    }};
}

/// `a * b + c`, rounded once. Where this is no instruction but a library call per lane, inlining it everywhere would
/// make these kernels, which hardly ever run there, most of the compiled code.
#[cfg_attr(any(target_arch = "aarch64", target_feature = "fma"), inline(always))]
#[cfg_attr(not(any(target_arch = "aarch64", target_feature = "fma")), inline(never))]
fn fused<const LANES: usize>(a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
    lanes!(i => a[i].mul_add(b[i], c[i]))
}

impl<const LANES: usize> Simd for Portable<LANES> {
    type V = [f32; LANES];
    const LANES: usize = LANES;
    const MANY_REGISTERS: bool = LANES == 16;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; LANES] {
        [value; LANES]
    }
    #[inline(always)]
    fn add(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        lanes!(i => a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        lanes!(i => a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        lanes!(i => a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        lanes!(i => a[i] / b[i])
    }
    #[inline(always)]
    fn max(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        lanes!(i => if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn fma(self, a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        fused(a, b, c)
    }
    #[inline(always)]
    fn fnma(self, a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        fused(lanes!(i => -a[i]), b, c)
    }
    #[inline(always)]
    fn where_positive(self, key: [f32; LANES], a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        lanes!(i => if key[i] > 0.0 { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn power_of_two(self, exponent: [f32; LANES]) -> [f32; LANES] {
        lanes!(i => f32::from_bits(((exponent[i] as i32 + 127) << 23) as u32))
    }
    #[inline(always)]
    fn split_exponent(self, x: [f32; LANES]) -> [[f32; LANES]; 2] {
        let mut result = [[0.0; LANES]; 2];
        for i in 0..LANES {
            let bits = x[i].to_bits() as i32;
            let exponent = bits.wrapping_sub(SQRT_HALF_BITS) >> MANTISSA_BITS;
            result[0][i] = f32::from_bits(bits.wrapping_sub(exponent << MANTISSA_BITS) as u32);
            result[1][i] = exponent as f32;
        }
        result
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; LANES] {
        // SAFETY: the caller promises `LANES` readable values; an array of f32 has their alignment.
        unsafe { *from.cast() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: [f32; LANES]) {
        // SAFETY: the caller promises `LANES` writable values; an array of f32 has their alignment.
        unsafe { *to.cast() = value }
    }
}
