//! Outputs that are written once, by jobs that own disjoint parts of them.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::simd::Simd;

/// Maps of at least so many bytes are written past the caches, where the next operation would not find them anyway: their
/// lines need not be read first (measured on AMD's Zen 4: 20 % of a convolution of 34 MB, 3 % of one of 8 MB in a network).
/// Tests stream all maps.
const STREAMED: usize = if cfg!(test) { 1 } else { 8 << 20 };

/// Whether vectors of a map of so many values are to be stored by [`Simd::stream`]: those that begin at `first` and at
/// multiples of `channels` from there. Each must be a whole cache line, or half of them would be read after all.
#[inline(always)]
pub(crate) fn streams<S: Simd>(values: usize, first: *const f32, channels: usize) -> bool {
    let vector = S::LANES * size_of::<f32>();
    let is_aligned = vector == 64 && (first as usize).is_multiple_of(vector) && channels.is_multiple_of(S::LANES);
    is_aligned && values * size_of::<f32>() >= STREAMED
}

/// Stores the first `count` lanes, or where it [`streams`], all of them past the caches; a fence must follow, then.
///
/// # Safety
/// The lanes must be writable, and whole vectors aligned where they are streamed.
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(simd: S, streams: bool, to: *mut f32, value: S::V, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { if streams { simd.stream(to, value) } else { simd.store_first(to, value, count) } }
}

/// A vector whose consecutive parts, of the given lengths, are filled by one call of `fill(index, part)` each, in
/// parallel. It is not zeroed first: fresh pages would cost more than most operations do.
///
/// # Safety
/// `fill` must write every element of its part.
pub(crate) unsafe fn filled_parts(
    lengths: impl Iterator<Item = usize>,
    fill: impl Fn(usize, &mut [MaybeUninit<f32>]) + Sync,
) -> Vec<f32> {
    let lengths: Vec<usize> = lengths.collect();
    let len = lengths.iter().sum();
    let mut output = Vec::with_capacity(len);
    let mut rest = &mut output.spare_capacity_mut()[..len];
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        let (part, after) = rest.split_at_mut(length);
        parts.push(part);
        rest = after;
    }
    parts.into_par_iter().enumerate().with_max_len(1).for_each(|(index, part)| fill(index, part));
    // SAFETY: the parts cover all `len` elements and the caller promises that every one was written.
    unsafe { output.set_len(len) };
    output
}

/// A vector filled by `jobs` calls of `fill(index, start of the vector)`, in parallel, each of which writes elements
/// that may lie anywhere. Not zeroed first.
///
/// # Safety
/// The calls together must write every element and no two of them the same one.
pub(crate) unsafe fn filled_anywhere(len: usize, jobs: usize, fill: impl Fn(usize, *mut f32) + Sync) -> Vec<f32> {
    // SAFETY: the caller's promise.
    let [output] = unsafe { filled_together([len], jobs, |index, [start]| fill(index, start)) };
    output
}

/// As [`filled_anywhere`], of several vectors at once.
///
/// # Safety
/// As there, for every vector.
pub(crate) unsafe fn filled_together<const N: usize>(
    lengths: [usize; N],
    jobs: usize,
    fill: impl Fn(usize, [*mut f32; N]) + Sync,
) -> [Vec<f32>; N] {
    let mut outputs = lengths.map(Vec::with_capacity);
    let starts = outputs.each_mut().map(|output| Shared(output.as_mut_ptr()));
    (0..jobs).into_par_iter().with_max_len(1).for_each(|index| fill(index, starts.map(Shared::pointer)));
    for (output, length) in outputs.iter_mut().zip(lengths) {
        // SAFETY: the caller promises that all elements were written.
        unsafe { output.set_len(length) };
    }
    outputs
}

/// Sets all values of a part to `value`, for jobs that go on with what is there.
#[inline(always)]
pub(crate) fn filled_with(part: &mut [MaybeUninit<f32>], value: f32) -> &mut [f32] {
    for element in part.iter_mut() {
        element.write(value);
    }
    // SAFETY: every element has just been written.
    unsafe { part.assume_init_mut() }
}

/// A pointer that jobs may share, as they write to different elements.
#[derive(Clone, Copy)]
pub(crate) struct Shared(pub *mut f32);

// SAFETY: whoever writes through the pointer says at that place why no two threads touch the same element.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The pointer; a method, so that closures capture the whole value.
    pub fn pointer(self) -> *mut f32 {
        self.0
    }
}

/// Lengths of the parts of `total` things cut into pieces of `part`, the last one shorter.
pub(crate) fn pieces(total: usize, part: usize) -> impl Iterator<Item = usize> {
    (0..total.div_ceil(part)).map(move |index| part.min(total - index * part))
}

thread_local! {
    /// A stack, because a thread that waits inside `work` for other jobs may run some of them itself.
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with `len` floats of this thread, kept between calls; their content is whatever was there.
pub(crate) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut scratch = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if scratch.len() < len {
        // Not resized: nothing of the content is wanted, and zeroed memory comes untouched from the system.
        scratch = vec![0.0; len];
    }
    let result = work(&mut scratch[..len]);
    SCRATCH.with_borrow_mut(|stack| stack.push(scratch));
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Kernel};

    #[derive(Clone, Copy)]
    struct Asks<'a>(usize, *const f32, usize, &'a std::cell::Cell<bool>);

    impl Kernel for Asks<'_> {
        fn run<S: Simd>(self, _: S) {
            self.3.set(streams::<S>(self.0, self.1, self.2));
        }
    }

    #[test]
    fn only_whole_aligned_lines_are_streamed() {
        let answer = std::cell::Cell::new(false);
        for isa in Isa::all() {
            let ask = |values, first: usize, channels| {
                isa.run(Asks(values, std::ptr::without_provenance(first), channels, &answer));
                answer.get()
            };
            assert_eq!(ask(64, 128, 32), isa.lanes() == 16, "{isa:?}");
            assert!(!ask(64, 128 + 32, 32) && !ask(64, 128, 24) && !ask(0, 128, 32), "{isa:?}");
        }
    }
}
