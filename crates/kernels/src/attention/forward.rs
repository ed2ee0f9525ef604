//! The forward direction: logits of a vector of queries and all keys, their softmax, and the sum of the values.

use std::ops::Range;

use super::sums::{Terms, add_terms};
use super::window::{BEYOND, Order, Window, padded};
use super::{APART, LANES, Operands};
use crate::simd::math::exp;
use crate::simd::{Kernel, Simd};

/// Keys whose logits are computed together.
const KEYS: usize = 6;
/// Channels whose sums are computed together.
const CHANNELS: usize = 8;

/// One head of some windows.
pub(super) struct Job<'a> {
    pub operands: &'a Operands<'a>,
    pub head: usize,
    pub windows: Range<usize>,
    pub y: *mut f32,
    /// As many values as [`lengths`] says.
    pub scratch: &'a mut [f32],
}

/// Lengths of bias, queries, keys, values, scores and sums.
pub(super) fn lengths(operands: &Operands) -> [usize; 6] {
    let (tokens, size) = (operands.windows.tokens(), operands.shape.head_size);
    let lines = padded(tokens);
    [tokens * lines, lines * size, tokens * size, tokens * size, tokens * LANES, size * LANES]
}

impl Kernel for Job<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Operands { shape, windows, .. } = self.operands;
        let (tokens, size, channels) = (windows.tokens(), shape.head_size, shape.channels());
        let mut window = Window::new(self.operands, self.head);
        let [bias, queries, keys, values, scores, sums] = split(self.scratch, lengths(self.operands));
        // Scores of lanes beyond the tokens are not used, but should be numbers.
        bias.fill(0.0);
        queries.fill(0.0);
        window.read_bias(bias);
        let scale = 1.0 / (size as f32).sqrt();
        for index in self.windows {
            window.go_to(index);
            window.read_qkv(0, scale, Order::Columns, queries);
            window.read_qkv(1, 1.0, Order::Rows, keys);
            window.read_qkv(2, 1.0, Order::Rows, values);
            let regions = windows.wrap().then_some(window.region.as_slice());
            let logits = Logits { queries, keys, bias, regions, size, tokens };
            let mut first = 0;
            while first < tokens {
                // SAFETY: all lists hold whole vectors from `first` on.
                unsafe {
                    let total = softmax(simd, &logits, first, scores);
                    weighted_sums(simd, scores, values, [tokens, size], total, sums);
                }
                for (lane, index) in window.index[first..].iter().take(S::LANES).enumerate() {
                    if *index == BEYOND {
                        continue;
                    }
                    for channel in 0..size {
                        // SAFETY: the token is in the map, and no other job has it in this head.
                        unsafe {
                            let at = index * channels + self.head * size + channel;
                            *self.y.add(at) = sums[channel * S::LANES + lane];
                        }
                    }
                }
                first += S::LANES;
            }
        }
    }
}

/// Cuts `scratch` into parts of these lengths.
pub(super) fn split<const N: usize>(scratch: &mut [f32], lengths: [usize; N]) -> [&mut [f32]; N] {
    let mut rest = scratch;
    lengths.map(|length| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(length);
        rest = after;
        part
    })
}

/// What logits are computed from.
pub(super) struct Logits<'a> {
    /// `[channel][query]`, scaled.
    pub queries: &'a [f32],
    /// `[key][channel]`.
    pub keys: &'a [f32],
    /// `[key][query]`.
    pub bias: &'a [f32],
    /// Of every token, where not all are neighbours.
    pub regions: Option<&'a [f32]>,
    /// Channels.
    pub size: usize,
    /// Keys.
    pub tokens: usize,
}

/// Writes `exp(logit - largest logit)` of the queries from `first` on to `scores`, `[key][lane]`, and returns their sums over
/// the keys.
///
/// # Safety
/// Lists of queries must hold whole vectors from `first` on, and `scores` one for every key.
#[inline(always)]
pub(super) unsafe fn softmax<S: Simd>(simd: S, logits: &Logits, first: usize, scores: &mut [f32]) -> S::V {
    let mut most = simd.splat(f32::NEG_INFINITY);
    let mut key = 0;
    while key < logits.tokens {
        // SAFETY: the caller's promise; the keys exist.
        unsafe {
            if logits.tokens - key >= KEYS {
                most = some_logits::<S, KEYS>(simd, logits, first, key, scores, most);
                key += KEYS;
            } else {
                most = some_logits::<S, 1>(simd, logits, first, key, scores, most);
                key += 1;
            }
        }
    }
    let mut total = simd.zero();
    for key in 0..logits.tokens {
        // SAFETY: the caller promises a vector for every key.
        unsafe {
            let at = scores.as_mut_ptr().add(key * S::LANES);
            let score = exp(simd, simd.sub(simd.load(at), most));
            total = simd.add(total, score);
            simd.store(at, score);
        }
    }
    total
}

/// Logits of `R` keys; the result is the larger of `most` and each of them.
#[inline(always)]
unsafe fn some_logits<S: Simd, const R: usize>(
    simd: S,
    logits: &Logits,
    first: usize,
    key: usize,
    scores: &mut [f32],
    most: S::V,
) -> S::V {
    let lines = padded(logits.tokens);
    let mut sums = [simd.zero(); R];
    let mut most = most;
    // SAFETY: keys, bias and regions exist for `R` keys from `key` on; lists of queries hold whole vectors.
    unsafe {
        for r in 0..R {
            sums[r] = simd.load(logits.bias.as_ptr().add((key + r) * lines + first));
        }
        if let Some(regions) = logits.regions {
            let here = simd.load(regions.as_ptr().add(first));
            for r in 0..R {
                let apart = simd.sub(here, simd.splat(*regions.as_ptr().add(key + r)));
                let mask = simd.where_positive(simd.mul(apart, apart), simd.splat(APART), simd.zero());
                sums[r] = simd.add(sums[r], mask);
            }
        }
        let terms = Terms {
            count: logits.size,
            vectors: logits.queries.as_ptr().add(first),
            vector_step: lines,
            factors: logits.keys.as_ptr().add(key * logits.size),
            factor_step: 1,
            between: logits.size,
        };
        sums = add_terms(simd, terms, sums);
        for r in 0..R {
            most = simd.max(most, sums[r]);
            simd.store(scores.as_mut_ptr().add((key + r) * S::LANES), sums[r]);
        }
    }
    most
}

/// `sums[channel][lane] = sum over keys of scores[key][lane] * values[key][channel] / total`.
///
/// # Safety
/// `scores` must hold a vector for every key, `sums` one for every channel.
#[inline(always)]
unsafe fn weighted_sums<S: Simd>(
    simd: S,
    scores: &[f32],
    values: &[f32],
    [tokens, size]: [usize; 2],
    total: S::V,
    sums: &mut [f32],
) {
    let mut channel = 0;
    while channel < size {
        // SAFETY: the caller's promise.
        unsafe {
            if size - channel >= CHANNELS {
                some_sums::<S, CHANNELS>(
                    simd,
                    scores,
                    &values[channel..],
                    [tokens, size],
                    total,
                    &mut sums[channel * S::LANES..],
                );
                channel += CHANNELS;
            } else {
                some_sums::<S, 1>(
                    simd,
                    scores,
                    &values[channel..],
                    [tokens, size],
                    total,
                    &mut sums[channel * S::LANES..],
                );
                channel += 1;
            }
        }
    }
}

/// [`weighted_sums`] of the first `R` channels.
#[inline(always)]
unsafe fn some_sums<S: Simd, const R: usize>(
    simd: S,
    scores: &[f32],
    values: &[f32],
    [tokens, size]: [usize; 2],
    total: S::V,
    sums: &mut [f32],
) {
    let terms = Terms {
        count: tokens,
        vectors: scores.as_ptr(),
        vector_step: S::LANES,
        factors: values.as_ptr(),
        factor_step: size,
        between: 1,
    };
    // SAFETY: the caller's promise.
    let parts = unsafe { add_terms::<S, R>(simd, terms, [simd.zero(); R]) };
    for r in 0..R {
        // SAFETY: the caller's promise.
        unsafe { simd.store(sums.as_mut_ptr().add(r * S::LANES), simd.div(parts[r], total)) };
    }
}
