//! Sums over the voxels of an image, per channel, in an order that depends on the shape only.

use rayon::prelude::*;

use super::NormShape;
use super::moments::{Moments, Part};
use crate::simd::{Isa, Kernel, Simd};

/// Voxels that are summed in `f32` before they join a sum in `f64`.
const GROUP: usize = 64;
/// Voxels of one job.
pub(super) const CHUNK: usize = 16 * GROUP;

/// Two sums per channel, `[2][channels]`.
pub(crate) type Sums = Vec<f64>;

/// What is summed over the voxels: two values per channel and voxel.
pub(super) trait Terms: Sync {
    /// What a chunk needs to know of a vector of channels.
    type Constants<S: Simd>: Copy;

    /// Terms of the lanes from `channel` on of the voxel whose first channel has index `voxel`, given what
    /// [`Self::constants`] returned for these channels.
    ///
    /// # Safety
    /// `count` channels must exist from `channel` on.
    unsafe fn at<S: Simd>(
        &self,
        simd: S,
        constants: Self::Constants<S>,
        voxel: usize,
        channel: usize,
        count: usize,
    ) -> [S::V; 2];

    /// Per-channel constants of the chunk that begins at index `first`, in image `image`.
    ///
    /// # Safety
    /// As for [`Self::at`].
    unsafe fn constants<S: Simd>(
        &self,
        simd: S,
        image: usize,
        first: usize,
        channel: usize,
        count: usize,
    ) -> Self::Constants<S>;
}

/// Sums of every chunk of [`CHUNK`] voxels: those of the first image first.
pub(super) fn sum_chunks<T: Terms>(isa: Isa, shape: &NormShape, terms: &T) -> Vec<Sums> {
    let chunks = shape.voxels.div_ceil(CHUNK);
    (0..shape.batch * chunks)
        .into_par_iter()
        .map(|job| {
            let (image, start) = (job / chunks, job % chunks * CHUNK);
            let voxels = CHUNK.min(shape.voxels - start);
            let first = (image * shape.voxels + start) * shape.channels;
            let mut sums = vec![0.0; 2 * shape.channels];
            isa.run(Chunk { terms, channels: shape.channels, image, first, voxels, sums: &mut sums });
            sums
        })
        .collect()
}

struct Chunk<'a, T> {
    terms: &'a T,
    channels: usize,
    image: usize,
    /// Index of the first value.
    first: usize,
    voxels: usize,
    sums: &'a mut [f64],
}

impl<T: Terms> Kernel for Chunk<'_, T> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (first_sums, second_sums) = self.sums.split_at_mut(self.channels);
        let mut done = 0;
        while done < self.voxels {
            let group = GROUP.min(self.voxels - done);
            let mut channel = 0;
            while channel < self.channels {
                let count = S::LANES.min(self.channels - channel);
                let (mut a, mut b) = (simd.zero(), simd.zero());
                // SAFETY: the voxels are those of this chunk and `count` channels exist; the arrays hold all lanes.
                unsafe {
                    let constants = self.terms.constants(simd, self.image, self.first, channel, count);
                    for voxel in done..done + group {
                        let index = self.first + voxel * self.channels;
                        let [p, q] = self.terms.at(simd, constants, index, channel, count);
                        a = simd.add(a, p);
                        b = simd.add(b, q);
                    }
                    let (mut lanes_a, mut lanes_b) = ([0.0f32; 16], [0.0f32; 16]);
                    simd.store(lanes_a.as_mut_ptr(), a);
                    simd.store(lanes_b.as_mut_ptr(), b);
                    for lane in 0..count {
                        first_sums[channel + lane] += f64::from(lanes_a[lane]);
                        second_sums[channel + lane] += f64::from(lanes_b[lane]);
                    }
                }
                channel += S::LANES;
            }
            done += group;
        }
    }
}

/// `x - shift` and its square, where the shift is the chunk's first voxel: no digits are lost to a large mean.
struct Differences<'a> {
    x: &'a [f32],
}

impl Terms for Differences<'_> {
    type Constants<S: Simd> = S::V;

    #[inline(always)]
    unsafe fn at<S: Simd>(&self, simd: S, shift: S::V, voxel: usize, channel: usize, count: usize) -> [S::V; 2] {
        // SAFETY: the caller promises `count` channels.
        let x = unsafe { simd.load_first(self.x.as_ptr().add(voxel + channel), count) };
        let difference = simd.sub(x, shift);
        [difference, simd.mul(difference, difference)]
    }

    #[inline(always)]
    unsafe fn constants<S: Simd>(&self, simd: S, _: usize, first: usize, channel: usize, count: usize) -> S::V {
        // SAFETY: the caller promises `count` channels.
        unsafe { simd.load_first(self.x.as_ptr().add(first + channel), count) }
    }
}

/// Sums of some voxels, all channels of each, for a [`Part`] whose shift is the first of them.
pub(crate) fn sums_of(isa: Isa, channels: usize, x: &[f32]) -> Sums {
    let mut sums = vec![0.0; 2 * channels];
    let voxels = x.len().checked_div(channels).unwrap_or(0);
    isa.run(Chunk { terms: &Differences { x }, channels, image: 0, first: 0, voxels, sums: &mut sums });
    sums
}

/// Mean and variance of every image and channel.
pub(super) fn moments(isa: Isa, shape: &NormShape, x: &[f32]) -> Moments {
    let chunks = sum_chunks(isa, shape, &Differences { x });
    let per_image = shape.voxels.div_ceil(CHUNK);
    let channels = shape.channels;
    Moments::new(shape, |image| {
        chunks[image * per_image..][..per_image].iter().enumerate().map(move |(index, sums)| {
            let first = image * shape.voxels + index * CHUNK;
            Part {
                count: CHUNK.min(shape.voxels - index * CHUNK),
                shift: &x[first * channels..][..channels],
                sum: &sums[..channels],
                squares: &sums[channels..],
            }
        })
    })
}
