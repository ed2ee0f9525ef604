//! Plain Rust that compiles everywhere; the compiler vectorises it where the target has fused multiply-add (NEON).

use super::Simd;

/// 8 lanes in an array.
#[derive(Clone, Copy)]
pub(super) struct Portable;

macro_rules! lanes {
    ($lane:ident => $value:expr) => {{
        let mut result = [0.0; 8];
        for $lane in 0..8 {
            result[$lane] = $value;
        }
        result
    }};
}

impl Simd for Portable {
    type V = [f32; 8];
    const LANES: usize = 8;
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 8] {
        [value; 8]
    }
    #[inline(always)]
    fn add(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes!(i => a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes!(i => a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes!(i => a[i] * b[i])
    }
    #[inline(always)]
    fn max(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes!(i => if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn fma(self, a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        lanes!(i => a[i].mul_add(b[i], c[i]))
    }
    #[inline(always)]
    fn fnma(self, a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        lanes!(i => (-a[i]).mul_add(b[i], c[i]))
    }
    #[inline(always)]
    fn where_positive(self, key: [f32; 8], a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes!(i => if key[i] > 0.0 { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; 8] {
        // SAFETY: the caller promises 8 readable values; an array of f32 has their alignment.
        unsafe { *from.cast() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: [f32; 8]) {
        // SAFETY: the caller promises 8 writable values; an array of f32 has their alignment.
        unsafe { *to.cast() = value }
    }
}
