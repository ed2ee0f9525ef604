//! Cross entropy and soft Dice of softmax probabilities, in one sweep over the logits per direction.
//!
//! With `p = softmax(z)` and one-hot labels `t`, per sample and class `E = sum (t - p)^2` and `M = sum t^2 + sum p^2 +
//! eps`, the loss is `a * mean over voxels of -log p[label] + b * mean over samples and classes of E / M`. The
//! probabilities are computed again in the backward direction rather than kept: they are as large as the logits.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::output::{filled_parts, pieces};

/// Voxels of one job, and of one partial sum.
const CHUNK: usize = 4096;

/// Sizes and factors of the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionLoss {
    /// Samples.
    pub batch: usize,
    /// Voxels of a sample.
    pub voxels: usize,
    /// Classes.
    pub classes: usize,
    /// First class of the Dice part, below `classes`; cross entropy sees all.
    pub first_class: usize,
    /// Factor of cross entropy.
    pub cross_entropy: f64,
    /// Factor of Dice.
    pub dice: f64,
    /// Keeps the quotient finite for a class that is nowhere.
    pub eps: f64,
}

/// `E` and `M` of every sample and class.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionSums {
    /// `[batch, classes]`.
    pub error: Vec<f32>,
    /// `[batch, classes]`.
    pub mass: Vec<f32>,
}

/// Sums of a chunk: `E` and `M` per class, and the cross entropy.
struct ChunkSums {
    error: Vec<f64>,
    mass: Vec<f64>,
    entropy: f64,
}

/// The loss of logits `z`, `[batch, voxels, classes]`, for `labels` below `classes`, `[batch, voxels]`.
pub fn forward(loss: &RegionLoss, z: &[f32], labels: &[u8]) -> (f32, RegionSums) {
    loss.check(z, labels);
    let classes = loss.classes;
    let chunks = loss.voxels.div_ceil(CHUNK);
    let sums: Vec<ChunkSums> = (0..loss.batch * chunks)
        .into_par_iter()
        .map(|job| {
            let (first, count) = loss.chunk(job);
            let (z, labels) = (&z[first * classes..][..count * classes], &labels[first..][..count]);
            chunk_sums(classes, z, labels)
        })
        .collect();
    let mut kept = RegionSums { error: Vec::new(), mass: Vec::new() };
    let (mut dice, mut entropy) = (0.0, 0.0);
    for sample in sums.chunks(chunks) {
        entropy += sample.iter().map(|chunk| chunk.entropy).sum::<f64>();
        for class in 0..classes {
            let error: f64 = sample.iter().map(|chunk| chunk.error[class]).sum();
            let mass = sample.iter().map(|chunk| chunk.mass[class]).sum::<f64>() + loss.eps;
            kept.error.push(error as f32);
            kept.mass.push(mass as f32);
            if class >= loss.first_class {
                dice += error / mass;
            }
        }
    }
    let value = loss.cross_entropy * entropy / (loss.batch * loss.voxels) as f64
        + loss.dice * dice / (loss.batch * (classes - loss.first_class)) as f64;
    (value as f32, kept)
}

/// Gradient of [`forward`] by `z`, times `factor`.
pub fn backward(loss: &RegionLoss, z: &[f32], labels: &[u8], sums: &RegionSums, factor: f32) -> Vec<f32> {
    loss.check(z, labels);
    let classes = loss.classes;
    assert_eq!([sums.error.len(), sums.mass.len()], [loss.batch * classes; 2], "sums do not match their shape");
    let chunks = loss.voxels.div_ceil(CHUNK);
    let entropy = (loss.cross_entropy * f64::from(factor) / (loss.batch * loss.voxels) as f64) as f32;
    let dice = loss.dice * f64::from(factor) / (loss.batch * (classes - loss.first_class)) as f64;
    // d(E / M)/dp = 2 (p - t) / M - 2 p E / M^2, of every sample and class.
    let slopes: Vec<[f32; 2]> = (0..loss.batch * classes)
        .map(|slot| {
            let (error, mass) = (f64::from(sums.error[slot]), f64::from(sums.mass[slot]));
            let dice = if slot % classes >= loss.first_class { dice } else { 0.0 };
            [(2.0 * dice / mass) as f32, (-2.0 * dice * error / (mass * mass)) as f32]
        })
        .collect();
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        let (first, count) = loss.chunk(job);
        let slopes = &slopes[job / chunks * classes..][..classes];
        let z = z[first * classes..][..count * classes].chunks_exact(classes);
        let mut p = vec![0.0; classes];
        for ((z, &label), dz) in z.zip(&labels[first..][..count]).zip(part.chunks_exact_mut(classes)) {
            softmax(z, &mut p);
            let truth = |class: usize| if class == usize::from(label) { 1.0 } else { 0.0 };
            let slope = |class: usize| slopes[class][0] * (p[class] - truth(class)) + slopes[class][1] * p[class];
            let mean: f32 = (0..classes).map(|class| slope(class) * p[class]).sum();
            for (class, dz) in dz.iter_mut().enumerate() {
                dz.write(p[class] * (slope(class) - mean) + entropy * (p[class] - truth(class)));
            }
        }
    };
    let lengths = (0..loss.batch).flat_map(|_| pieces(loss.voxels, CHUNK)).map(|voxels| voxels * classes);
    // SAFETY: a job writes all classes of all its voxels; both maps have as many as the shape says.
    unsafe { filled_parts(lengths, fill) }
}

impl RegionLoss {
    fn check(&self, z: &[f32], labels: &[u8]) {
        assert_eq!(z.len(), self.batch * self.voxels * self.classes, "logits do not match their shape");
        assert_eq!(labels.len(), self.batch * self.voxels, "labels do not match their shape");
        assert!(self.first_class < self.classes, "no class is left");
    }

    /// First voxel of a job's chunk, counted over all samples, and the chunk's voxels.
    fn chunk(&self, job: usize) -> (usize, usize) {
        let chunks = self.voxels.div_ceil(CHUNK);
        let (sample, start) = (job / chunks, job % chunks * CHUNK);
        (sample * self.voxels + start, CHUNK.min(self.voxels - start))
    }
}

fn chunk_sums(classes: usize, z: &[f32], labels: &[u8]) -> ChunkSums {
    let mut sums = ChunkSums { error: vec![0.0; classes], mass: vec![0.0; classes], entropy: 0.0 };
    let mut p = vec![0.0; classes];
    for (z, &label) in z.chunks_exact(classes).zip(labels) {
        let log_sum = softmax(z, &mut p);
        sums.entropy += f64::from(log_sum - z[usize::from(label)]);
        for (class, &p) in p.iter().enumerate() {
            let truth = if class == usize::from(label) { 1.0 } else { 0.0 };
            sums.error[class] += f64::from((truth - p) * (truth - p));
            sums.mass[class] += f64::from(truth + p * p);
        }
    }
    sums
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
