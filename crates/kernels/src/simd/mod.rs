//! Vectors of `f32` on the instruction set found at run time.
//!
//! Kernels are written once, generic over [`Simd`], and instantiated per instruction set. Every lane does the same
//! operations everywhere (fused multiply-add included) and no operation crosses lanes, so the results do not depend
//! on the instruction set. A value of a `Simd` type is the proof that its instruction set was detected, which makes
//! arithmetic safe; only memory access is not.
//!
//! Code that runs inside a [`Kernel`] must be `#[inline(always)]` and must not use closures for vector work: a
//! closure is a function of its own that does not inherit the target feature (measured: 6 to 75 times slower).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod math;
mod portable;

use portable::Portable;
use std::sync::OnceLock;

/// One vector type and its operations, lane by lane.
pub(crate) trait Simd: Copy + Send + Sync {
    /// The vector.
    type V: Copy;
    /// Its number of `f32`: 8 or 16.
    const LANES: usize;
    /// Whether there are 32 vector registers rather than 16: the kernels take larger tiles.
    const MANY_REGISTERS: bool;

    fn splat(self, value: f32) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a > b ? a : b`, so that a NaN in `b` stays.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a * b`, rounded once.
    fn fnma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `key > 0 ? a : b`.
    fn where_positive(self, key: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// `2^exponent` for whole exponents from -126 to 127.
    fn power_of_two(self, exponent: Self::V) -> Self::V;
    /// `[m, k]` with `x = m * 2^k`, `m` from √½ to √2 and `k` whole, of positive normal `x`; anything of others.
    fn split_exponent(self, x: Self::V) -> [Self::V; 2];

    /// # Safety
    /// `LANES` values must be readable at `from`.
    unsafe fn load(self, from: *const f32) -> Self::V;
    /// # Safety
    /// `LANES` values must be writable at `to`.
    unsafe fn store(self, to: *mut f32, value: Self::V);

    /// Stores past the caches what will not be read soon; [`fence`] makes it visible to other threads.
    ///
    /// # Safety
    /// `LANES` values must be writable at `to`, which must be aligned to them.
    #[inline(always)]
    unsafe fn stream(self, to: *mut f32, value: Self::V) {
        // SAFETY: the caller's promise.
        unsafe { self.store(to, value) }
    }

    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(0.0)
    }

    /// Loads the first `count` lanes (all of them from `LANES` on) and zeros for the rest.
    ///
    /// # Safety
    /// `min(count, LANES)` values must be readable at `from`.
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> Self::V {
        if count >= Self::LANES {
            // SAFETY: all lanes are readable.
            return unsafe { self.load(from) };
        }
        let mut lanes = [0.0; 16];
        for lane in 0..count {
            // SAFETY: `count` values are readable.
            lanes[lane] = unsafe { *from.add(lane) };
        }
        // SAFETY: the array holds at least `LANES` values.
        unsafe { self.load(lanes.as_ptr()) }
    }

    /// Stores the first `count` lanes, all of them from `LANES` on.
    ///
    /// # Safety
    /// `min(count, LANES)` values must be writable at `to`.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, value: Self::V, count: usize) {
        if count >= Self::LANES {
            // SAFETY: all lanes are writable.
            return unsafe { self.store(to, value) };
        }
        let mut lanes = [0.0; 16];
        // SAFETY: the array holds at least `LANES` values.
        unsafe { self.store(lanes.as_mut_ptr(), value) };
        for lane in 0..count {
            // SAFETY: `count` values are writable.
            unsafe { *to.add(lane) = lanes[lane] };
        }
    }
}

/// Bits of √½, for [`Simd::split_exponent`]: what lies between it and `x` is the exponent and a rest that carries.
const SQRT_HALF_BITS: i32 = 0x3F35_04F3;
/// Bits of an `f32` below its exponent.
const MANTISSA_BITS: u32 = 23;

/// Asks for the cache line at `at`, which may be anywhere, to be fetched.
#[inline(always)]
pub(crate) fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint reads nothing, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// As [`prefetch`], but no nearer than the second-level cache.
#[inline(always)]
pub(crate) fn prefetch_to_second_level(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint reads nothing, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Orders what was stored by [`Simd::stream`] before all stores that follow, and so before others learn that a job is done.
#[inline(always)]
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every processor of this architecture has the instruction, which touches no memory of ours.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// A piece of work to be compiled for every instruction set.
pub(crate) trait Kernel {
    /// Does the work. Implementations are `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S);
}

/// The vector instructions of this machine that the kernels use; `none` where they use only what every machine of
/// this architecture has.
pub fn instruction_set() -> &'static str {
    Isa::best().name()
}

/// Names for [`use_instruction_set`].
pub const INSTRUCTION_SETS: [&str; 3] = ["avx512", "avx2", "none"];

/// Makes the kernels of this process use the named instruction set instead of the fastest, to see how fast a machine
/// without that would be; results have the same bits. False if this machine does not have it, or if another one was
/// asked for before.
pub fn use_instruction_set(name: &str) -> bool {
    let kind = match name {
        #[cfg(target_arch = "x86_64")]
        "avx512" => Kind::Avx512,
        #[cfg(target_arch = "x86_64")]
        "avx2" => Kind::Avx2,
        "none" => Kind::Portable,
        _ => return false,
    };
    let wanted = Isa(kind);
    Isa::all().any(|isa| isa == wanted) && *CHOSEN.get_or_init(|| wanted) == wanted
}

/// What [`use_instruction_set`] asked for.
static CHOSEN: OnceLock<Isa> = OnceLock::new();

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Isa(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
    /// Never the best; the code paths of AVX-512 for tests on other machines.
    #[cfg(test)]
    PortableWide,
}

impl Isa {
    /// The one that was chosen, or else the fastest.
    pub(crate) fn best() -> Self {
        CHOSEN.get().copied().or_else(|| Self::all().next()).unwrap_or(Isa(Kind::Portable))
    }

    /// All of them, the fastest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let avx512 = is_x86_feature_detected!("avx512f").then_some(Isa(Kind::Avx512));
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            avx512.into_iter().chain(avx2.then_some(Isa(Kind::Avx2)))
        };
        #[cfg(not(target_arch = "x86_64"))]
        let wide = std::iter::empty();
        let portable = [
            Isa(Kind::Portable),
            #[cfg(test)]
            Isa(Kind::PortableWide),
        ];
        wide.chain(portable)
    }

    fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2 and FMA",
            Kind::Portable => "none",
            #[cfg(test)]
            Kind::PortableWide => "none, wide",
        }
    }

    /// `f32` per vector.
    pub(crate) fn lanes(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512::Avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::Avx2::LANES,
            Kind::Portable => Portable::<8>::LANES,
            #[cfg(test)]
            Kind::PortableWide => Portable::<16>::LANES,
        }
    }

    /// Runs `kernel` with this instruction set.
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            // SAFETY: this kind exists only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::run(kernel) },
            // SAFETY: this kind exists only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::run(kernel) },
            Kind::Portable => kernel.run(Portable::<8>),
            #[cfg(test)]
            Kind::PortableWide => kernel.run(Portable::<16>),
        }
    }
}
