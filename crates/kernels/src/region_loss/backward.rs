//! Gradient of the logits of a chunk.

use std::mem::MaybeUninit;

use super::forward::{sigmoid, softmax};
use super::group::{GROUP, Group, Labels};
use crate::simd::{Kernel, Simd};

/// Writes the gradient by the logits `z` of the voxels of `of`.
pub(super) struct Backward<'a> {
    pub labels: &'a Labels<'a>,
    pub z: &'a [f32],
    pub of: &'a [u8],
    /// Factors of `p - t` and of `p` in the slope by `p`, per output.
    pub slopes: &'a [[f32; 2]],
    /// Factor of the cross entropy.
    pub entropy: f32,
    /// As long as `z`; all of it is written.
    pub gradient: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let encoding = self.labels.encoding;
        let outputs = encoding.outputs();
        assert_eq!([self.z.len(), self.gradient.len()], [self.of.len() * outputs; 2]);
        let mut group = Group::new(outputs);
        for (index, of) in self.of.chunks(GROUP).enumerate() {
            let (first, len) = (index * GROUP * outputs, of.len() * outputs);
            group.gather(self.labels, &self.z[first..][..len], of);
            let mut lane = 0;
            while lane < GROUP {
                if encoding.is_overlapping() {
                    regions(simd, lane, &mut group, self.slopes, self.entropy, encoding.weights());
                } else {
                    classes(simd, lane, &mut group, self.slopes, self.entropy);
                }
                lane += S::LANES;
            }
            group.scatter(&mut self.gradient[first..][..len]);
        }
    }
}

/// `dz = p * (slope - sum of slope * p) + entropy * weight * (p - t)`.
#[inline(always)]
fn classes<S: Simd>(simd: S, lane: usize, group: &mut Group, slopes: &[[f32; 2]], entropy: f32) {
    let [_, sum] = softmax(simd, lane, &group.z, &mut group.work);
    let counts = group.counts.load(simd, lane);
    let scale = simd.div(counts, sum);
    let entropy = simd.mul(simd.splat(entropy), group.weights.load(simd, lane));
    let mut mean = simd.zero();
    for ((row, truth), slopes) in group.work.iter_mut().zip(&group.truth).zip(slopes) {
        let p = simd.mul(row.load(simd, lane), scale);
        row.store(simd, lane, p);
        mean = simd.fma(slope(simd, p, truth.load(simd, lane), slopes), p, mean);
    }
    for ((row, truth), slopes) in group.work.iter_mut().zip(&group.truth).zip(slopes) {
        let (p, truth) = (row.load(simd, lane), truth.load(simd, lane));
        let dice = simd.mul(p, simd.sub(slope(simd, p, truth, slopes), mean));
        let dz = simd.fma(entropy, simd.sub(p, truth), dice);
        row.store(simd, lane, simd.where_positive(counts, dz, simd.zero()));
    }
}

/// `dz = slope * p * (1 - p) + entropy * weight * (p - t)`.
#[inline(always)]
fn regions<S: Simd>(simd: S, lane: usize, group: &mut Group, slopes: &[[f32; 2]], entropy: f32, weights: &[f32]) {
    let counts = group.counts.load(simd, lane);
    for (output, row) in group.work.iter_mut().enumerate() {
        let truth = group.truth[output].load(simd, lane);
        let [p, rest, _] = sigmoid(simd, group.z[output].load(simd, lane), counts);
        let dice = simd.mul(slope(simd, p, truth, &slopes[output]), simd.mul(p, rest));
        let dz = simd.fma(simd.splat(entropy * weights[output]), simd.sub(p, truth), dice);
        // Slopes may be infinite or NaN because of other voxels.
        row.store(simd, lane, simd.where_positive(counts, dz, simd.zero()));
    }
}

/// Slope of the Dice part by `p`.
#[inline(always)]
fn slope<S: Simd>(simd: S, p: S::V, truth: S::V, factors: &[f32; 2]) -> S::V {
    simd.fma(simd.splat(factors[0]), simd.sub(p, truth), simd.mul(simd.splat(factors[1]), p))
}
