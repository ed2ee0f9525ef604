//! The backward direction. With `P` the softmax, `dP = dO Vᵀ` and `dS = P (dP - sum over keys of P dP)`:
//! `dQ = dS K / √size`, `dK = dSᵀ Q / √size`, `dV = Pᵀ dO`, and the bias's gradient is `dS` summed over windows.

use std::ops::Range;

use super::forward::{Logits, softmax, split};
use super::sums::{Terms, add_terms};
use super::window::{BEYOND, Order, Window, padded};
use super::{LANES, Operands};
use crate::simd::{Kernel, Simd};

/// Keys whose sums are computed together.
const KEYS: usize = 6;

/// One head of some windows.
pub(super) struct Job<'a> {
    pub operands: &'a Operands<'a>,
    pub head: usize,
    pub windows: Range<usize>,
    pub dy: &'a [f32],
    pub dqkv: *mut f32,
    /// Of the head's bias table.
    pub table: &'a mut [f32],
    /// Of key and value of tokens beyond the grid.
    pub padding: &'a mut [f32],
    /// As many values as [`lengths`] says.
    pub scratch: &'a mut [f32],
}

/// Lengths of the lists of a job: squares of keys and queries, columns, rows, and rows of whole vectors.
pub(super) fn lengths(operands: &Operands) -> [[usize; 4]; 4] {
    let (tokens, size) = (operands.windows.tokens(), operands.shape.head_size);
    let (lines, wide) = (padded(tokens), padded(size));
    let (square, columns, rows, wide_rows) = (tokens * lines, size * lines, tokens * size, tokens * wide);
    [[square; 4], [columns, columns, columns, tokens * LANES], [rows, rows, 0, 0], [wide_rows; 4]]
}

impl Kernel for Job<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Operands { shape, windows, .. } = self.operands;
        let (tokens, size) = (windows.tokens(), shape.head_size);
        let (lines, wide) = (padded(tokens), padded(size));
        let mut window = Window::new(self.operands, self.head);
        let lengths = lengths(self.operands);
        let [square, columns, rows, wide_rows] = split(self.scratch, lengths.map(|lengths| lengths.iter().sum()));
        let [bias, bias_gradient, softmaxes, logit_gradients] = split(square, lengths[0]);
        let [queries, output_columns, query_gradient, scores] = split(columns, lengths[1]);
        let [keys, values, ..] = split(rows, lengths[2]);
        let [query_rows, output_rows, key_gradient, value_gradient] = split(wide_rows, lengths[3]);
        for list in [&mut *bias, bias_gradient, queries, output_columns, query_rows, output_rows] {
            list.fill(0.0);
        }
        window.read_bias(bias);
        let scale = 1.0 / (size as f32).sqrt();
        for index in self.windows.clone() {
            window.go_to(index);
            window.read_qkv(0, scale, Order::Columns, queries);
            window.read_qkv(0, scale, Order::PaddedRows, query_rows);
            window.read_qkv(1, 1.0, Order::Rows, keys);
            window.read_qkv(2, 1.0, Order::Rows, values);
            window.read_output(self.dy, Order::Columns, output_columns);
            window.read_output(self.dy, Order::PaddedRows, output_rows);
            let regions = windows.wrap().then_some(window.region.as_slice());
            let logits = Logits { queries, keys, bias, regions, size, tokens };
            let mut first = 0;
            while first < tokens {
                // SAFETY: all lists hold whole vectors from `first` on, and squares a line for every key.
                unsafe {
                    let total = softmax(simd, &logits, first, scores);
                    let block = Block { logits: &logits, values, output: output_columns, first };
                    block.gradients(simd, scores, total, softmaxes, logit_gradients, bias_gradient);
                    block.query_gradient(simd, logit_gradients, scale, query_gradient);
                }
                first += S::LANES;
            }
            // SAFETY: as above; rows are whole vectors of channels.
            unsafe {
                products(simd, logit_gradients, query_rows, [tokens, wide], key_gradient);
                products(simd, softmaxes, output_rows, [tokens, wide], value_gradient);
            }
            // SAFETY: the tokens are in the map, and no other job has them in this head.
            unsafe {
                write(
                    &window,
                    self.dqkv,
                    shape.channels(),
                    self.head * size,
                    size,
                    |token, part, channel| match part {
                        0 => query_gradient[channel * lines + token],
                        1 => key_gradient[token * wide + channel],
                        _ => value_gradient[token * wide + channel],
                    },
                );
            }
            for (token, _) in window.index.iter().enumerate().filter(|(_, index)| **index == BEYOND) {
                for channel in 0..size {
                    self.padding[channel] += key_gradient[token * wide + channel];
                    self.padding[size + channel] += value_gradient[token * wide + channel];
                }
            }
        }
        for key in 0..tokens {
            for query in 0..tokens {
                self.table[shape.distance(query, key)] += bias_gradient[key * lines + query];
            }
        }
    }
}

/// Writes the gradients of a window's queries, keys and values.
///
/// # Safety
/// The window's tokens must be in the map.
unsafe fn write(
    window: &Window,
    dqkv: *mut f32,
    channels: usize,
    first: usize,
    size: usize,
    value: impl Fn(usize, usize, usize) -> f32,
) {
    for (token, index) in window.index.iter().enumerate().filter(|(_, index)| **index != BEYOND) {
        for part in 0..3 {
            for channel in 0..size {
                let at = (index * 3 + part) * channels + first + channel;
                // SAFETY: the caller's promise.
                unsafe { *dqkv.add(at) = value(token, part, channel) };
            }
        }
    }
}

/// A vector of queries.
struct Block<'a> {
    logits: &'a Logits<'a>,
    /// `[key][channel]`.
    values: &'a [f32],
    /// Gradient of the output, `[channel][query]`.
    output: &'a [f32],
    /// First query.
    first: usize,
}

impl Block<'_> {
    /// From `exp(logit - most)`, `[key][lane]`, and their `total`: the softmax and the gradients of logits and bias.
    ///
    /// # Safety
    /// Lists of queries must hold whole vectors from `first` on, squares a line for every key.
    #[inline(always)]
    unsafe fn gradients<S: Simd>(
        &self,
        simd: S,
        scores: &[f32],
        total: S::V,
        softmaxes: &mut [f32],
        logit_gradients: &mut [f32],
        bias_gradient: &mut [f32],
    ) {
        let lines = padded(self.logits.tokens);
        let factor = simd.div(simd.splat(1.0), total);
        let mut mean = simd.zero();
        let mut key = 0;
        while key < self.logits.tokens {
            // SAFETY: the caller's promise; the keys exist.
            unsafe {
                if self.logits.tokens - key >= KEYS {
                    mean = self.some_keys::<S, KEYS>(simd, key, scores, factor, softmaxes, logit_gradients, mean);
                    key += KEYS;
                } else {
                    mean = self.some_keys::<S, 1>(simd, key, scores, factor, softmaxes, logit_gradients, mean);
                    key += 1;
                }
            }
        }
        for key in 0..self.logits.tokens {
            let at = key * lines + self.first;
            // SAFETY: the caller's promise.
            unsafe {
                let gradient = simd.sub(simd.load(logit_gradients.as_ptr().add(at)), mean);
                let gradient = simd.mul(simd.load(softmaxes.as_ptr().add(at)), gradient);
                simd.store(logit_gradients.as_mut_ptr().add(at), gradient);
                let sum = simd.add(simd.load(bias_gradient.as_ptr().add(at)), gradient);
                simd.store(bias_gradient.as_mut_ptr().add(at), sum);
            }
        }
    }

    /// Softmax and its gradient for `R` keys; the result is `mean` and the sum of their products.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the operands of the formula")]
    unsafe fn some_keys<S: Simd, const R: usize>(
        &self,
        simd: S,
        key: usize,
        scores: &[f32],
        factor: S::V,
        softmaxes: &mut [f32],
        gradients: &mut [f32],
        mean: S::V,
    ) -> S::V {
        let (lines, size) = (padded(self.logits.tokens), self.logits.size);
        let terms = Terms {
            count: size,
            vectors: self.output.as_ptr().wrapping_add(self.first),
            vector_step: lines,
            factors: self.values.as_ptr().wrapping_add(key * size),
            factor_step: 1,
            between: size,
        };
        let mut mean = mean;
        // SAFETY: the caller's promise.
        unsafe {
            let sums = add_terms::<S, R>(simd, terms, [simd.zero(); R]);
            for r in 0..R {
                let at = (key + r) * lines + self.first;
                let softmax = simd.mul(simd.load(scores.as_ptr().add((key + r) * S::LANES)), factor);
                mean = simd.fma(softmax, sums[r], mean);
                simd.store(softmaxes.as_mut_ptr().add(at), softmax);
                simd.store(gradients.as_mut_ptr().add(at), sums[r]);
            }
        }
        mean
    }

    /// `gradient[channel][query] = scale * sum over keys of logit_gradients[key][query] * keys[key][channel]`.
    ///
    /// # Safety
    /// As for [`Self::gradients`].
    #[inline(always)]
    unsafe fn query_gradient<S: Simd>(&self, simd: S, logit_gradients: &[f32], scale: f32, gradient: &mut [f32]) {
        let size = self.logits.size;
        let mut channel = 0;
        while channel < size {
            // SAFETY: the caller's promise.
            unsafe {
                if size - channel >= 8 {
                    self.some_channels::<S, 8>(simd, channel, logit_gradients, scale, gradient);
                    channel += 8;
                } else {
                    self.some_channels::<S, 1>(simd, channel, logit_gradients, scale, gradient);
                    channel += 1;
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn some_channels<S: Simd, const R: usize>(
        &self,
        simd: S,
        channel: usize,
        logit_gradients: &[f32],
        scale: f32,
        gradient: &mut [f32],
    ) {
        let (lines, size) = (padded(self.logits.tokens), self.logits.size);
        let terms = Terms {
            count: self.logits.tokens,
            vectors: logit_gradients.as_ptr().wrapping_add(self.first),
            vector_step: lines,
            factors: self.logits.keys.as_ptr().wrapping_add(channel),
            factor_step: size,
            between: 1,
        };
        // SAFETY: the caller's promise.
        unsafe {
            let sums = add_terms::<S, R>(simd, terms, [simd.zero(); R]);
            for r in 0..R {
                let to = gradient.as_mut_ptr().add((channel + r) * lines + self.first);
                simd.store(to, simd.mul(sums[r], simd.splat(scale)));
            }
        }
    }
}

/// `result[key][channel] = sum over queries of square[key][query] * rows[query][channel]`.
///
/// # Safety
/// `rows` and `result` must have `wide` channels, whole vectors, for each of the tokens, and `square` a padded line.
#[inline(always)]
unsafe fn products<S: Simd>(simd: S, square: &[f32], rows: &[f32], [tokens, wide]: [usize; 2], result: &mut [f32]) {
    let mut key = 0;
    while key < tokens {
        // SAFETY: the caller's promise.
        unsafe {
            if tokens - key >= KEYS {
                some_products::<S, KEYS>(simd, square, rows, key, [tokens, wide], result);
                key += KEYS;
            } else {
                some_products::<S, 1>(simd, square, rows, key, [tokens, wide], result);
                key += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn some_products<S: Simd, const R: usize>(
    simd: S,
    square: &[f32],
    rows: &[f32],
    key: usize,
    [tokens, wide]: [usize; 2],
    result: &mut [f32],
) {
    let lines = padded(tokens);
    let mut channel = 0;
    while channel < wide {
        let terms = Terms {
            count: tokens,
            vectors: rows.as_ptr().wrapping_add(channel),
            vector_step: wide,
            factors: square.as_ptr().wrapping_add(key * lines),
            factor_step: 1,
            between: lines,
        };
        // SAFETY: the caller's promise.
        unsafe {
            let sums = add_terms::<S, R>(simd, terms, [simd.zero(); R]);
            for r in 0..R {
                simd.store(result.as_mut_ptr().add((key + r) * wide + channel), sums[r]);
            }
        }
        channel += S::LANES;
    }
}
