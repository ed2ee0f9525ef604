//! Voxels in groups of 16, whatever the instruction set: the values of an output in lanes beside each other.

use std::mem::MaybeUninit;

use crate::encoding::Encoding;
use crate::simd::Simd;

/// Voxels of a group.
pub(super) const GROUP: usize = 16;

/// One value of every voxel of a group.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Row(pub [f32; GROUP]);

impl Row {
    pub const ZERO: Self = Self([0.0; GROUP]);

    /// The vector that begins at `lane`, a multiple of its length.
    #[inline(always)]
    pub fn load<S: Simd>(&self, simd: S, lane: usize) -> S::V {
        assert!(lane + S::LANES <= GROUP);
        // SAFETY: the vector lies in the row.
        unsafe { simd.load(self.0.as_ptr().add(lane)) }
    }

    #[inline(always)]
    pub fn store<S: Simd>(&mut self, simd: S, lane: usize, value: S::V) {
        assert!(lane + S::LANES <= GROUP);
        // SAFETY: the vector lies in the row.
        unsafe { simd.store(self.0.as_mut_ptr().add(lane), value) }
    }
}

/// What the labels mean.
pub(super) struct Labels<'a> {
    pub encoding: &'a Encoding,
    /// How much the cross entropy of a voxel counts: the weight of its class, 1 where every output has its own.
    weights: [f32; 256],
}

impl<'a> Labels<'a> {
    pub fn new(encoding: &'a Encoding) -> Self {
        let mut weights = [1.0; 256];
        if !encoding.is_overlapping() {
            weights.iter_mut().zip(encoding.weights()).for_each(|(slot, weight)| *slot = *weight);
        }
        Self { encoding, weights }
    }
}

/// The voxels of a group. What does not count, which may have any logits, and lanes without a voxel are all 0.
pub(super) struct Group {
    /// Labels of the voxels.
    of: [u8; GROUP],
    /// Number of voxels.
    len: usize,
    /// Whether every lane has a voxel that counts.
    all_count: bool,
    /// 1 where a voxel counts.
    pub counts: Row,
    /// How much the cross entropy of a voxel counts.
    pub weights: Row,
    /// Logits, per output.
    pub z: Vec<Row>,
    /// Truth, per output.
    pub truth: Vec<Row>,
    /// Scratch, per output.
    pub work: Vec<Row>,
}

impl Group {
    pub fn new(outputs: usize) -> Self {
        let rows = || vec![Row::ZERO; outputs];
        Self {
            of: [0; GROUP],
            len: 0,
            all_count: false,
            counts: Row::ZERO,
            weights: Row::ZERO,
            z: rows(),
            truth: rows(),
            work: rows(),
        }
    }

    /// Takes the voxels of `of`, 1 to 16, with the logits `z`, `[voxels, outputs]`.
    #[inline(always)]
    pub fn gather(&mut self, labels: &Labels, z: &[f32], of: &[u8]) {
        assert!(of.len() <= GROUP && z.len() == of.len() * self.z.len());
        // Neighbours mostly have the same label.
        if self.of[..self.len] != *of {
            self.set_labels(labels, of);
        }
        // A constant number of lanes lets the compiler unroll.
        if of.len() == GROUP {
            self.set_logits(z, GROUP);
        } else {
            self.set_logits(z, of.len());
        }
        // Lanes without a voxel still have the logits of an earlier group.
        if !self.all_count {
            for (lane, counts) in self.counts.0.iter().enumerate() {
                if *counts == 0.0 {
                    self.z.iter_mut().for_each(|row| row.0[lane] = 0.0);
                }
            }
        }
    }

    #[inline(always)]
    fn set_logits(&mut self, z: &[f32], voxels: usize) {
        let outputs = self.z.len();
        for (output, row) in self.z.iter_mut().enumerate() {
            for lane in 0..voxels {
                // SAFETY: the caller has compared the lengths.
                row.0[lane] = unsafe { *z.get_unchecked(lane * outputs + output) };
            }
        }
    }

    #[inline(never)]
    fn set_labels(&mut self, labels: &Labels, of: &[u8]) {
        self.of[..of.len()].copy_from_slice(of);
        self.len = of.len();
        self.counts = Row::ZERO;
        self.weights = Row::ZERO;
        self.truth.fill(Row::ZERO);
        for (lane, &label) in of.iter().enumerate() {
            let Some(truth) = labels.encoding.truth(label) else { continue };
            self.counts.0[lane] = 1.0;
            self.weights.0[lane] = labels.weights[usize::from(label)];
            for (row, truth) in self.truth.iter_mut().zip(truth) {
                row.0[lane] = *truth;
            }
        }
        self.all_count = self.counts.0.iter().all(|counts| *counts > 0.0);
    }

    /// Writes the scratch rows to `part`, `[voxels, outputs]`, of 1 to 16 voxels.
    #[inline(always)]
    pub fn scatter(&self, part: &mut [MaybeUninit<f32>]) {
        let outputs = self.work.len();
        assert!(part.len() <= GROUP * outputs && part.len().is_multiple_of(outputs));
        if part.len() == GROUP * outputs {
            self.set_gradient(part, GROUP);
        } else {
            self.set_gradient(part, part.len() / outputs);
        }
    }

    #[inline(always)]
    fn set_gradient(&self, part: &mut [MaybeUninit<f32>], voxels: usize) {
        let outputs = self.work.len();
        for (output, row) in self.work.iter().enumerate() {
            for lane in 0..voxels {
                // SAFETY: the caller has compared the lengths.
                unsafe { part.get_unchecked_mut(lane * outputs + output) }.write(row.0[lane]);
            }
        }
    }
}
