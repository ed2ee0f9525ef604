//! Weights in the order in which the direct engine reads them.

use std::mem::MaybeUninit;

use super::ConvShape;
use super::correlation::Correlation;
use crate::output::filled_parts;
use crate::tile::BLOCK;

/// Packed weights: `[block of output channels][class][taps d][taps h][taps w][source channels][BLOCK]`, with zeros for
/// the channels that fill up the last block.
pub(super) struct Packed {
    data: Vec<f32>,
    block_len: usize,
    /// Start of each combination of classes in a block, the last axis fastest.
    starts: Vec<usize>,
    classes: [usize; 3],
}

/// Which of the weight's first two axes is the output of the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roles {
    Forward,
    /// In the input gradient, the convolution's input channels are the output.
    Exchanged,
}

impl Packed {
    /// Number of values for a pass from so many source channels to so many output channels.
    pub fn len(sources: usize, outputs: usize, kernel: [usize; 3]) -> usize {
        outputs.next_multiple_of(BLOCK) * sources * kernel.iter().product::<usize>()
    }

    /// Packs `weight`, `[out, in, kd, kh, kw]` of `shape`, for `pass`.
    pub fn new(shape: &ConvShape, weight: &[f32], roles: Roles, pass: &Correlation) -> Self {
        let [_, kh, kw] = shape.kernel;
        let volume = shape.kernel.iter().product::<usize>();
        let (output_step, source_step) = match roles {
            Roles::Forward => (shape.in_channels * volume, volume),
            Roles::Exchanged => (volume, shape.in_channels * volume),
        };
        let mut starts = Vec::new();
        // Where each kernel entry goes: (entry, offset in the block without the source channel, source channel step).
        let mut places = Vec::new();
        let mut start = 0;
        for d in &pass.classes[0] {
            for h in &pass.classes[1] {
                for w in &pass.classes[2] {
                    starts.push(start);
                    for a in &d.taps {
                        for b in &h.taps {
                            for c in &w.taps {
                                places.push(((a * kh + b) * kw + c, start));
                                start += pass.source_channels * BLOCK;
                            }
                        }
                    }
                }
            }
        }
        let block_len = start;
        let fill = |block: usize, part: &mut [MaybeUninit<f32>]| {
            let lanes = BLOCK.min(pass.output_channels - block * BLOCK);
            for source in 0..pass.source_channels {
                let weight = &weight[block * BLOCK * output_step + source * source_step..];
                for &(entry, place) in &places {
                    let target = &mut part[place + source * BLOCK..][..BLOCK];
                    for (lane, target) in target.iter_mut().enumerate() {
                        target.write(if lane < lanes { weight[lane * output_step + entry] } else { 0.0 });
                    }
                }
            }
        };
        let blocks = pass.output_channels.div_ceil(BLOCK);
        // SAFETY: the places of all kernel entries and source channels cover a block.
        let data = unsafe { filled_parts((0..blocks).map(|_| block_len), fill) };
        Self { data, block_len, starts, classes: [0, 1, 2].map(|axis| pass.classes[axis].len()) }
    }

    /// The weights of one block of output channels.
    pub fn block(&self, block: usize) -> &[f32] {
        &self.data[block * self.block_len..]
    }

    pub fn block_len(&self) -> usize {
        self.block_len
    }

    /// Offset of a combination of classes in its block.
    pub fn class(&self, class: [usize; 3]) -> usize {
        self.starts[(class[0] * self.classes[1] + class[1]) * self.classes[2] + class[2]]
    }
}
