//! The second pass of the forward direction: scale, shift, residual and activation in one sweep.

use std::mem::MaybeUninit;

use super::{Lanes, NormShape, Pending};
use crate::conv::Part;
use crate::output::{filled_parts, pieces, store, streams};
use crate::simd::{Isa, Kernel, Simd, fence};

/// Voxels of one job.
const CHUNK: usize = 1024;
/// Voxels that are swept for one vector of channels before the next: their lines stay in the first-level cache.
pub(super) const GROUP: usize = 32;

/// The operands of the sweep.
pub(super) struct Apply<'a> {
    pub norm: &'a Pending<'a>,
    pub x: &'a [f32],
    pub residual: Option<Part<'a>>,
}

impl Apply<'_> {
    pub fn run(&self, isa: Isa) -> Vec<f32> {
        let NormShape { batch, voxels, channels } = *self.norm.shape();
        let chunks = voxels.div_ceil(CHUNK);
        let lengths = (0..batch).flat_map(|_| pieces(voxels, CHUNK)).map(|voxels| voxels * channels);
        let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
            let (image, chunk) = (job / chunks, job % chunks);
            let first = (image * voxels + chunk * CHUNK) * channels;
            isa.run(Chunk { apply: self, image, first, output: part, is_map: true });
        };
        // SAFETY: a job writes all channels of all its voxels.
        unsafe { filled_parts(lengths, fill) }
    }
}

/// Applies `norm` to some voxels, all channels of each, of an image.
pub(crate) fn apply_to(isa: Isa, norm: &Pending<'_>, image: usize, x: &[f32], output: &mut [f32]) {
    assert_eq!(x.len(), output.len(), "output does not match its map");
    assert!(image < norm.shape().batch, "norm has no such image");
    // SAFETY: nothing but values is written there.
    let output = unsafe { &mut *(std::ptr::from_mut(output) as *mut [MaybeUninit<f32>]) };
    isa.run(Chunk { apply: &Apply { norm, x, residual: None }, image, first: 0, output, is_map: false });
}

struct Chunk<'a> {
    apply: &'a Apply<'a>,
    image: usize,
    first: usize,
    output: &'a mut [MaybeUninit<f32>],
    /// Whether the output is part of a map.
    is_map: bool,
}

impl Kernel for Chunk<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Apply { norm, x, residual } = self.apply;
        let channels = norm.shape().channels;
        let y: *mut f32 = self.output.as_mut_ptr().cast();
        let voxels = self.output.len() / channels;
        let streams = self.is_map && streams::<S>(norm.shape().len(), y, channels);
        let mut done = 0;
        while done < voxels {
            let end = voxels.min(done + GROUP);
            let mut channel = 0;
            while channel < channels {
                let count = channels - channel;
                // SAFETY: `count` channels follow in every map and every per-channel list; the voxels are the job's.
                unsafe {
                    let lanes = norm.lanes(simd, self.image, channel, count);
                    let of_residual = match residual.and_then(|residual| residual.norm) {
                        Some(norm) => norm.lanes(simd, self.image, channel, count),
                        None => Lanes::none(simd),
                    };
                    for voxel in done..end {
                        let at = voxel * channels + channel;
                        let value = simd.load_first(x.as_ptr().add(self.first + at), count);
                        let mut sum = lanes.normalised(simd, value);
                        if let Some(residual) = residual {
                            let value = simd.load_first(residual.map.as_ptr().add(self.first + at), count);
                            let value = of_residual.activated(simd, of_residual.normalised(simd, value));
                            sum = simd.add(sum, value);
                        }
                        store(simd, streams, y.add(at), lanes.activated(simd, sum), count);
                    }
                }
                channel += S::LANES;
            }
            done = end;
        }
        if streams {
            fence();
        }
    }
}
