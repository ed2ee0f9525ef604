//! Cross entropy and soft Dice of a network's outputs, in one sweep over the logits per direction.
//!
//! With probabilities `p` and truth `t` per output, `w` the weights of the outputs, and per sample and output `E = sum
//! (t - p)^2` and `M = sum t^2 + sum p^2 + eps` over voxels, the loss is `a * H + b * mean over samples and outputs of
//! E / M`, weighted by `w`. For classes `p = softmax(z)` and `H` is the mean of `-log p[label]` over voxels, weighted by
//! `w[label]`; for overlapping regions `p = sigmoid(z)` and `H` is the mean of `-t log p - (1 - t) log(1 - p)` over
//! voxels and outputs, weighted by `w`. Voxels whose label is ignored are left out of all sums. The probabilities are
//! computed again in the backward direction rather than kept: they are as large as the logits.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::encoding::Encoding;
use crate::output::{filled_parts, pieces};

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

/// Sums of a chunk: `E` and `M` per output, and the cross entropy.
struct ChunkSums {
    error: Vec<f64>,
    mass: Vec<f64>,
    entropy: f64,
}

/// The loss of logits `z`, `[batch, voxels, outputs]`, for `labels` that the encoding knows, `[batch, voxels]`.
pub fn forward(loss: &RegionLoss, z: &[f32], labels: &[u8]) -> (f32, RegionSums) {
    loss.check(z, labels);
    let outputs = loss.encoding.outputs();
    let chunks = loss.voxels.div_ceil(CHUNK);
    let sums: Vec<ChunkSums> = (0..loss.batch * chunks)
        .into_par_iter()
        .map(|job| {
            let (first, count) = loss.chunk(job);
            let (z, labels) = (&z[first * outputs..][..count * outputs], &labels[first..][..count]);
            chunk_sums(&loss.encoding, z, labels)
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

/// Gradient of [`forward`] by `z`, times `factor`.
pub fn backward(loss: &RegionLoss, z: &[f32], labels: &[u8], sums: &RegionSums, factor: f32) -> Vec<f32> {
    loss.check(z, labels);
    let encoding = &loss.encoding;
    let outputs = encoding.outputs();
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
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        let (first, count) = loss.chunk(job);
        let slopes = &slopes[job / chunks * outputs..][..outputs];
        let z = z[first * outputs..][..count * outputs].chunks_exact(outputs);
        let mut p = vec![0.0; outputs];
        for ((z, &label), dz) in z.zip(&labels[first..][..count]).zip(part.chunks_exact_mut(outputs)) {
            let Some(truth) = encoding.truth(label) else {
                for dz in dz {
                    dz.write(0.0);
                }
                continue;
            };
            let weights = encoding.weights();
            if encoding.is_overlapping() {
                for (output, dz) in dz.iter_mut().enumerate() {
                    let (p, truth) = (sigmoid(z[output]), truth[output]);
                    let slope = slopes[output][0] * (p - truth) + slopes[output][1] * p;
                    dz.write(slope * p * (1.0 - p) + entropy * weights[output] * (p - truth));
                }
                continue;
            }
            softmax(z, &mut p);
            let entropy = entropy * weights[usize::from(label)];
            let slope = |class: usize| slopes[class][0] * (p[class] - truth[class]) + slopes[class][1] * p[class];
            let mean: f32 = (0..outputs).map(|class| slope(class) * p[class]).sum();
            for (class, dz) in dz.iter_mut().enumerate() {
                dz.write(p[class] * (slope(class) - mean) + entropy * (p[class] - truth[class]));
            }
        }
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

fn chunk_sums(encoding: &Encoding, z: &[f32], labels: &[u8]) -> ChunkSums {
    let (outputs, weights) = (encoding.outputs(), encoding.weights());
    let mut sums = ChunkSums { error: vec![0.0; outputs], mass: vec![0.0; outputs], entropy: 0.0 };
    let mut p = vec![0.0; outputs];
    for (z, &label) in z.chunks_exact(outputs).zip(labels) {
        let Some(truth) = encoding.truth(label) else { continue };
        if encoding.is_overlapping() {
            for (output, (z, p)) in z.iter().zip(&mut p).enumerate() {
                *p = sigmoid(*z);
                let entropy = z.max(0.0) - z * truth[output] + (-z.abs()).exp().ln_1p();
                sums.entropy += f64::from(weights[output] * entropy);
            }
        } else {
            let log_sum = softmax(z, &mut p);
            let class = usize::from(label);
            sums.entropy += f64::from(weights[class] * (log_sum - z[class]));
        }
        for (output, (&p, &truth)) in p.iter().zip(truth).enumerate() {
            sums.error[output] += f64::from((truth - p) * (truth - p));
            sums.mass[output] += f64::from(truth + p * p);
        }
    }
    sums
}

/// `1 / (1 + exp(-z))`.
#[inline(always)]
fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + (-z).exp())
}

/// Writes `exp(z) / sum exp(z)` to `p` and returns the logarithm of the sum.
#[inline(always)]
fn softmax(z: &[f32], p: &mut [f32]) -> f32 {
    let largest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (z, p) in z.iter().zip(p.iter_mut()) {
        *p = (z - largest).exp();
        sum += *p;
    }
    let scale = 1.0 / sum;
    p.iter_mut().for_each(|p| *p *= scale);
    largest + sum.ln()
}
