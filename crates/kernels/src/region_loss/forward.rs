//! Sums over the voxels of a chunk.

use super::group::{GROUP, Group, Labels, Row};
use crate::simd::math::{exp, ln, ln_1p};
use crate::simd::{Kernel, Simd};

/// Groups after which sums in single precision move on to double.
const FLUSH: usize = 64;

/// Sums of a chunk: `E` and `M` per output, and the cross entropy.
pub(super) struct ChunkSums {
    pub error: Vec<f64>,
    pub mass: Vec<f64>,
    pub entropy: f64,
}

impl ChunkSums {
    pub fn new(outputs: usize) -> Self {
        Self { error: vec![0.0; outputs], mass: vec![0.0; outputs], entropy: 0.0 }
    }
}

/// The same, of every lane apart.
struct LaneSums {
    error: Vec<Row>,
    mass: Vec<Row>,
    entropy: Row,
}

impl LaneSums {
    fn new(outputs: usize) -> Self {
        Self { error: vec![Row::ZERO; outputs], mass: vec![Row::ZERO; outputs], entropy: Row::ZERO }
    }

    /// Moves the sums to `total`, lane after lane.
    fn flush(&mut self, total: &mut ChunkSums) {
        let outputs = self.error.iter_mut().zip(&mut total.error).chain(self.mass.iter_mut().zip(&mut total.mass));
        for (row, total) in outputs.chain([(&mut self.entropy, &mut total.entropy)]) {
            row.0.iter().for_each(|lane| *total += f64::from(*lane));
            *row = Row::ZERO;
        }
    }

    /// Adds `E` and `M` of an output.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, lane: usize, output: usize, p: S::V, truth: S::V) {
        let (error, mass) = (&mut self.error[output], &mut self.mass[output]);
        let difference = simd.sub(truth, p);
        error.store(simd, lane, simd.fma(difference, difference, error.load(simd, lane)));
        // Truth is its own square.
        mass.store(simd, lane, simd.add(mass.load(simd, lane), simd.fma(p, p, truth)));
    }

    #[inline(always)]
    fn add_entropy<S: Simd>(&mut self, simd: S, lane: usize, entropy: S::V) {
        self.entropy.store(simd, lane, simd.add(self.entropy.load(simd, lane), entropy));
    }
}

/// Sums up the voxels of `of` with the logits `z`.
pub(super) struct Forward<'a> {
    pub labels: &'a Labels<'a>,
    pub z: &'a [f32],
    pub of: &'a [u8],
    pub sums: &'a mut ChunkSums,
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let encoding = self.labels.encoding;
        let outputs = encoding.outputs();
        let (mut group, mut sums) = (Group::new(outputs), LaneSums::new(outputs));
        for (index, of) in self.of.chunks(GROUP).enumerate() {
            group.gather(self.labels, &self.z[index * GROUP * outputs..][..of.len() * outputs], of);
            let mut lane = 0;
            while lane < GROUP {
                if encoding.is_overlapping() {
                    regions(simd, lane, &group, encoding.weights(), &mut sums);
                } else {
                    classes(simd, lane, &mut group, &mut sums);
                }
                lane += S::LANES;
            }
            if index % FLUSH == FLUSH - 1 {
                sums.flush(self.sums);
            }
        }
        sums.flush(self.sums);
    }
}

#[inline(always)]
fn classes<S: Simd>(simd: S, lane: usize, group: &mut Group, sums: &mut LaneSums) {
    let [largest, sum] = softmax(simd, lane, &group.z, &mut group.work);
    let mut own = simd.zero();
    for (z, truth) in group.z.iter().zip(&group.truth) {
        own = simd.where_positive(truth.load(simd, lane), z.load(simd, lane), own);
    }
    let entropy = simd.add(simd.sub(largest, own), ln(simd, sum));
    sums.add_entropy(simd, lane, simd.mul(group.weights.load(simd, lane), entropy));
    let scale = simd.div(group.counts.load(simd, lane), sum);
    for (output, (exp, truth)) in group.work.iter().zip(&group.truth).enumerate() {
        let p = simd.mul(exp.load(simd, lane), scale);
        sums.add(simd, lane, output, p, truth.load(simd, lane));
    }
}

#[inline(always)]
fn regions<S: Simd>(simd: S, lane: usize, group: &Group, weights: &[f32], sums: &mut LaneSums) {
    let counts = group.counts.load(simd, lane);
    for (output, (z, truth)) in group.z.iter().zip(&group.truth).enumerate() {
        let (z, truth) = (z.load(simd, lane), truth.load(simd, lane));
        let [p, _, small] = sigmoid(simd, z, counts);
        sums.add(simd, lane, output, p, truth);
        let linear = simd.sub(simd.max(simd.zero(), z), simd.where_positive(truth, z, simd.zero()));
        let entropy = simd.mul(simd.add(linear, ln_1p(simd, small)), counts);
        sums.add_entropy(simd, lane, simd.mul(simd.splat(weights[output]), entropy));
    }
}

/// Writes `exp(z - largest z)` to `exps`; returns the largest and the sum.
#[inline(always)]
pub(super) fn softmax<S: Simd>(simd: S, lane: usize, z: &[Row], exps: &mut [Row]) -> [S::V; 2] {
    let mut largest = simd.splat(f32::NEG_INFINITY);
    for z in z {
        largest = simd.max(largest, z.load(simd, lane));
    }
    let mut sum = simd.zero();
    for (z, e) in z.iter().zip(exps) {
        let value = exp(simd, simd.sub(z.load(simd, lane), largest));
        e.store(simd, lane, value);
        sum = simd.add(sum, value);
    }
    [largest, sum]
}

/// `counts * p` and `counts * (1 - p)` for `p = 1 / (1 + exp(-z))`, and `exp(-|z|)`.
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(simd: S, z: S::V, counts: S::V) -> [S::V; 3] {
    let small = exp(simd, simd.sub(simd.zero(), simd.max(simd.sub(simd.zero(), z), z)));
    let high = simd.div(counts, simd.add(simd.splat(1.0), small));
    let low = simd.mul(small, high);
    [simd.where_positive(z, high, low), simd.where_positive(z, low, high), small]
}
