//! Cross entropy and soft Dice of a network's outputs, in one sweep over the logits per direction.
//!
//! With probabilities `p` and truth `t` per output, `w` the weights of the outputs, and per sample and output `E = sum
//! (t - p)^2` and `M = sum t^2 + sum p^2 + eps` over voxels, the loss is `a * H + b * mean over samples and outputs of
//! E / M`, weighted by `w`. For classes `p = softmax(z)` and `H` is the mean of `-log p[label]` over voxels, weighted by
//! `w[label]`; for overlapping regions `p = sigmoid(z)` and `H` is the mean of `-t log p - (1 - t) log(1 - p)` over
//! voxels and outputs, weighted by `w`. Voxels whose label is ignored are left out of all sums. The probabilities are
//! computed again in the backward direction rather than kept: they are as large as the logits.
//!
//! Vectors run over voxels, in groups of 16 on every instruction set, so that sums have the same order everywhere.

mod backward;
mod forward;
mod group;

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::encoding::Encoding;
use crate::output::{filled_parts, pieces};
use crate::simd::Isa;
use backward::Backward;
use forward::{ChunkSums, Forward};
use group::Labels;

/// Voxels of one job, and of one partial sum.
const CHUNK: usize = 4096;

/// Sizes and factors of the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionLoss {
    /// Samples.
    pub batch: usize,
    /// Voxels of a sample.
    pub voxels: usize,
    /// What labels and outputs mean.
    pub encoding: Encoding,
    /// First output of the Dice part, below their number; cross entropy sees all.
    pub first_output: usize,
    /// Factor of cross entropy.
    pub cross_entropy: f64,
    /// Factor of Dice.
    pub dice: f64,
    /// Keeps the quotient finite for an output that is nowhere.
    pub eps: f64,
}

/// `E` and `M` of every sample and output.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionSums {
    /// `[batch, outputs]`.
    pub error: Vec<f32>,
    /// `[batch, outputs]`.
    pub mass: Vec<f32>,
}

/// The loss of logits `z`, `[batch, voxels, outputs]`, for `labels` that the encoding knows, `[batch, voxels]`.
pub fn forward(loss: &RegionLoss, z: &[f32], labels: &[u8]) -> (f32, RegionSums) {
    forward_on(Isa::best(), loss, z, labels)
}

/// Gradient of [`forward`] by `z`, times `factor`.
pub fn backward(loss: &RegionLoss, z: &[f32], labels: &[u8], sums: &RegionSums, factor: f32) -> Vec<f32> {
    backward_on(Isa::best(), loss, z, labels, sums, factor)
}

pub(crate) fn forward_on(isa: Isa, loss: &RegionLoss, z: &[f32], labels: &[u8]) -> (f32, RegionSums) {
    loss.check(z, labels);
    let outputs = loss.encoding.outputs();
    let chunks = loss.voxels.div_ceil(CHUNK);
    let meanings = Labels::new(&loss.encoding);
    let sums: Vec<ChunkSums> = (0..loss.batch * chunks)
        .into_par_iter()
        .map(|job| {
            let (first, count) = loss.chunk(job);
            let mut sums = ChunkSums::new(outputs);
            let (z, of) = (&z[first * outputs..][..count * outputs], &labels[first..][..count]);
            isa.run(Forward { labels: &meanings, z, of, sums: &mut sums });
            sums
        })
        .collect();
    let mut kept = RegionSums { error: Vec::new(), mass: Vec::new() };
    let (mut dice, mut entropy) = (0.0, 0.0);
    for sample in sums.chunks(chunks) {
        entropy += sample.iter().map(|chunk| chunk.entropy).sum::<f64>();
        for output in 0..outputs {
            let error: f64 = sample.iter().map(|chunk| chunk.error[output]).sum();
            let mass = sample.iter().map(|chunk| chunk.mass[output]).sum::<f64>() + loss.eps;
            kept.error.push(error as f32);
            kept.mass.push(mass as f32);
            dice += loss.dice_weight(output) * error / mass;
        }
    }
    let value = loss.cross_entropy * share(entropy, loss.entropy_weight(labels))
        + loss.dice * share(dice, loss.batch as f64 * loss.dice_weights());
    (value as f32, kept)
}

pub(crate) fn backward_on(
    isa: Isa,
    loss: &RegionLoss,
    z: &[f32],
    labels: &[u8],
    sums: &RegionSums,
    factor: f32,
) -> Vec<f32> {
    loss.check(z, labels);
    let outputs = loss.encoding.outputs();
    assert_eq!([sums.error.len(), sums.mass.len()], [loss.batch * outputs; 2], "sums do not match their shape");
    let chunks = loss.voxels.div_ceil(CHUNK);
    let entropy = share(loss.cross_entropy * f64::from(factor), loss.entropy_weight(labels)) as f32;
    let dice = share(loss.dice * f64::from(factor), loss.batch as f64 * loss.dice_weights());
    // d(E / M)/dp = 2 (p - t) / M - 2 p E / M^2, of every sample and output.
    let slopes: Vec<[f32; 2]> = (0..loss.batch * outputs)
        .map(|slot| {
            let (error, mass) = (f64::from(sums.error[slot]), f64::from(sums.mass[slot]));
            let dice = dice * loss.dice_weight(slot % outputs);
            [(2.0 * dice / mass) as f32, (-2.0 * dice * error / (mass * mass)) as f32]
        })
        .collect();
    let meanings = Labels::new(&loss.encoding);
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        let (first, count) = loss.chunk(job);
        let slopes = &slopes[job / chunks * outputs..][..outputs];
        let (z, of) = (&z[first * outputs..][..count * outputs], &labels[first..][..count]);
        isa.run(Backward { labels: &meanings, z, of, slopes, entropy, gradient: part });
    };
    let lengths = (0..loss.batch).flat_map(|_| pieces(loss.voxels, CHUNK)).map(|voxels| voxels * outputs);
    // SAFETY: a job writes all outputs of all its voxels; both maps have as many as the shape says.
    unsafe { filled_parts(lengths, fill) }
}

impl RegionLoss {
    fn check(&self, z: &[f32], labels: &[u8]) {
        let outputs = self.encoding.outputs();
        assert_eq!(z.len(), self.batch * self.voxels * outputs, "logits do not match their shape");
        assert_eq!(labels.len(), self.batch * self.voxels, "labels do not match their shape");
        assert!(self.first_output < outputs, "no output is left");
    }

    /// First voxel of a job's chunk, counted over all samples, and the chunk's voxels.
    fn chunk(&self, job: usize) -> (usize, usize) {
        let chunks = self.voxels.div_ceil(CHUNK);
        let (sample, start) = (job / chunks, job % chunks * CHUNK);
        (sample * self.voxels + start, CHUNK.min(self.voxels - start))
    }

    /// How much an output counts in the Dice part.
    fn dice_weight(&self, output: usize) -> f64 {
        if output < self.first_output { 0.0 } else { f64::from(self.encoding.weights()[output]) }
    }

    fn dice_weights(&self) -> f64 {
        (0..self.encoding.outputs()).map(|output| self.dice_weight(output)).sum()
    }

    /// What the sum of cross entropies is divided by: the weights of all voxels that count.
    fn entropy_weight(&self, labels: &[u8]) -> f64 {
        let encoding = &self.encoding;
        let count = |chunk: &[u8]| {
            let mut counts = [0u64; 256];
            chunk.iter().for_each(|label| counts[usize::from(*label)] += 1);
            counts
        };
        let add = |mut sums: [u64; 256], counts: [u64; 256]| {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            sums
        };
        let counts = labels.par_chunks(CHUNK).map(count).reduce(|| [0; 256], add);
        let all: f64 = encoding.weights().iter().copied().map(f64::from).sum();
        let weight = |label: u8| match (encoding.truth(label), encoding.is_overlapping()) {
            (None, _) => 0.0,
            (Some(_), true) => all,
            (Some(_), false) => f64::from(encoding.weights()[usize::from(label)]),
        };
        (0..=u8::MAX).map(|label| counts[usize::from(label)] as f64 * weight(label)).sum()
    }
}

/// A quotient that is 0 where nothing counts.
fn share(sum: f64, weight: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { sum / weight }
}
