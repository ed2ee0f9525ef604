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
    /// 1 for labels whose voxels count and 0 for the others.
    counts: [f32; 256],
    /// How much the cross entropy of a voxel counts: the weight of its class, 1 where every output has its own.
    weights: [f32; 256],
}

impl<'a> Labels<'a> {
    pub fn new(encoding: &'a Encoding) -> Self {
        let (mut counts, mut weights) = ([0.0; 256], [0.0; 256]);
        for label in 0..=u8::MAX {
            if encoding.truth(label).is_some() {
                let slot = usize::from(label);
                counts[slot] = 1.0;
                weights[slot] = if encoding.is_overlapping() { 1.0 } else { encoding.weights()[slot] };
            }
        }
        Self { encoding, counts, weights }
    }
}

/// The voxels of a group. What does not count, which may have any logits, and lanes without a voxel are all 0.
pub(super) struct Group {
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
        Self { counts: Row::ZERO, weights: Row::ZERO, z: rows(), truth: rows(), work: rows() }
    }

    /// Takes the voxels of `of`, 16 or fewer, with the logits `z`, `[voxels, outputs]`.
    #[inline(always)]
    pub fn gather(&mut self, labels: &Labels, z: &[f32], of: &[u8]) {
        let outputs = self.z.len();
        assert!(of.len() <= GROUP && z.len() == of.len() * outputs);
        if of.len() < GROUP {
            self.clear();
        }
        for (output, row) in self.z.iter_mut().enumerate() {
            for lane in 0..of.len() {
                // SAFETY: both the voxel and the output exist.
                row.0[lane] = unsafe { *z.get_unchecked(lane * outputs + output) };
            }
        }
        let overlapping = labels.encoding.is_overlapping();
        if !overlapping {
            self.truth.fill(Row::ZERO);
        }
        for (lane, &label) in of.iter().enumerate() {
            let slot = usize::from(label);
            self.counts.0[lane] = labels.counts[slot];
            self.weights.0[lane] = labels.weights[slot];
            if labels.counts[slot] == 0.0 {
                for (z, truth) in self.z.iter_mut().zip(&mut self.truth) {
                    (z.0[lane], truth.0[lane]) = (0.0, 0.0);
                }
            } else if !overlapping {
                self.truth[slot].0[lane] = 1.0;
            } else if let Some(truth) = labels.encoding.truth(label) {
                for (row, truth) in self.truth.iter_mut().zip(truth) {
                    row.0[lane] = *truth;
                }
            }
        }
    }

    /// Writes the scratch rows to `part`, `[voxels, outputs]`, of 16 voxels or fewer.
    #[inline(always)]
    pub fn scatter(&self, part: &mut [MaybeUninit<f32>]) {
        let outputs = self.work.len();
        assert!(part.len() <= GROUP * outputs);
        for (lane, voxel) in part.chunks_exact_mut(outputs).enumerate() {
            for (value, row) in voxel.iter_mut().zip(&self.work) {
                // SAFETY: there are no more voxels than lanes.
                value.write(unsafe { *row.0.get_unchecked(lane) });
            }
        }
    }

    fn clear(&mut self) {
        self.counts = Row::ZERO;
        self.weights = Row::ZERO;
        self.z.fill(Row::ZERO);
        self.truth.fill(Row::ZERO);
    }
}
