//! Kernels to frequencies, and gradients of frequencies back to kernels.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::blocks as in_blocks;
use super::transform::{for_each_index, kernel, kernel_gradient, samples};
use crate::conv::{ConvShape, Roles};
use crate::output::{Shared, with_scratch};
use crate::simd::{Isa, Kernel, Simd};
use crate::tile::BLOCK;

/// Source channels that are handled together.
const SOURCES: usize = 8;
/// Entries of a kernel.
pub(super) const ENTRIES: usize = 27;

/// Source channels whose weights lie together, and whose gradients a job sums.
pub(super) const SLAB: usize = 32;

/// Kernels as frequencies: `[block of output channels][slab of source channels][frequency][source channel][BLOCK]`.
pub(super) struct Frequencies<'a> {
    data: &'a [f32],
    frequencies: usize,
    sources: usize,
}

impl<'a> Frequencies<'a> {
    /// Takes the values that [`transform`] left, for so many frequencies, source channels and output channels.
    pub fn new(data: &'a [f32], frequencies: usize, channels: [usize; 2]) -> Self {
        let [sources, outputs] = channels;
        assert_eq!(data.len(), frequencies * sources * outputs, "transformed weights do not match the pass");
        Self { data, frequencies, sources }
    }

    /// First weight of a frequency for the output channels from `channel` on and the source channels of the slab that
    /// begins with `source`.
    #[inline(always)]
    pub fn at(&self, channel: usize, source: usize, frequency: usize) -> *const f32 {
        let line = place(channel / BLOCK, source, frequency, self.frequencies, self.sources);
        self.data[line * BLOCK + channel % BLOCK..].as_ptr()
    }

    /// Distance of the weights of a vector to those of the next.
    #[inline(always)]
    pub fn second<S: Simd>(&self) -> usize {
        if S::LANES == BLOCK { self.frequencies * self.sources * BLOCK } else { S::LANES }
    }
}

/// Line of `BLOCK` weights of a block of outputs and a source channel.
#[inline(always)]
fn place(block: usize, source: usize, frequency: usize, frequencies: usize, sources: usize) -> usize {
    let first = source / SLAB * SLAB;
    let width = SLAB.min(sources - first);
    (block * sources + first) * frequencies + frequency * width + source - first
}

/// Transforms `weight`, `[out, in, 3, 3, 3]`, for tiles of `D * H * W` outputs, to the order of [`Frequencies`]. With
/// exchanged roles the kernels are mirrored too, as the input gradient wants them.
pub(super) fn transform<const D: usize, const H: usize, const W: usize>(
    isa: Isa,
    shape: &ConvShape,
    weight: &[f32],
    roles: Roles,
    room: &mut [f32],
) {
    let there = match roles {
        Roles::Forward => [shape.out_channels, shape.in_channels],
        Roles::Exchanged => [shape.in_channels, shape.out_channels],
    };
    let [outputs, sources] = there.map(in_blocks);
    let frequencies = (D + 2) * (H + 2) * (W + 2);
    let groups = sources.div_ceil(SOURCES);
    let blocks = outputs / BLOCK;
    assert_eq!(room.len(), blocks * frequencies * sources * BLOCK, "room does not match the weights");
    let to = Shared(room.as_mut_ptr());
    (0..blocks * groups).into_par_iter().with_max_len(1).for_each(|job| {
        let (block, group) = (job / groups, job % groups);
        let first = group * SOURCES;
        let count = SOURCES.min(sources - first);
        with_scratch(count * frequencies * BLOCK, |room| {
            for (index, room) in room.chunks_exact_mut(frequencies * BLOCK).enumerate() {
                let source = first + index;
                let mut entries = [[0.0f32; BLOCK]; ENTRIES];
                for lane in 0..BLOCK {
                    let output = block * BLOCK + lane;
                    if output >= there[0] || source >= there[1] {
                        continue;
                    }
                    let (kernel, mirrored) = match roles {
                        Roles::Forward => (output * there[1] + source, false),
                        Roles::Exchanged => (source * there[0] + output, true),
                    };
                    for (k, &value) in weight[kernel * ENTRIES..][..ENTRIES].iter().enumerate() {
                        entries[if mirrored { ENTRIES - 1 - k } else { k }][lane] = value;
                    }
                }
                isa.run(Transform::<D, H, W> { entries: &entries, to: room });
            }
            // Each block and source channel, and with it each value, belongs to exactly one job.
            let to = to.pointer().wrapping_add(place(block, first, 0, frequencies, sources) * BLOCK);
            let step = SLAB.min(sources - first / SLAB * SLAB) * BLOCK;
            isa.run(Regroup { from: room, count, frequencies, to, step });
        });
    });
}

/// The kernels of one source channel to one block of output channels.
struct Transform<'a, const D: usize, const H: usize, const W: usize> {
    entries: &'a [[f32; BLOCK]; ENTRIES],
    /// `[frequency][BLOCK]`.
    to: &'a mut [f32],
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Transform<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        assert_eq!(self.to.len(), (D + 2) * (H + 2) * (W + 2) * BLOCK, "room does not match the kernel");
        let mut first_lane = 0;
        while first_lane < BLOCK {
            let mut along_d = [[simd.zero(); 9]; 6];
            for k in 0..9 {
                // SAFETY: an entry has `BLOCK` lanes, a multiple of the vector's.
                let line = unsafe {
                    let entry = self.entries.as_ptr().cast::<f32>().add(first_lane);
                    [
                        simd.load(entry.add(k * BLOCK)),
                        simd.load(entry.add((9 + k) * BLOCK)),
                        simd.load(entry.add((18 + k) * BLOCK)),
                    ]
                };
                let line = kernel::<S, D>(simd, line);
                for_each_index!(D + 2, I => along_d[I][k] = line[I]);
            }
            for i in 0..D + 2 {
                let mut along_h = [[simd.zero(); 3]; 6];
                for k in 0..3 {
                    let line = kernel::<S, H>(simd, [along_d[i][k], along_d[i][3 + k], along_d[i][6 + k]]);
                    for_each_index!(H + 2, J => along_h[J][k] = line[J]);
                }
                for j in 0..H + 2 {
                    let line = kernel::<S, W>(simd, along_h[j]);
                    let frequency = (i * (H + 2) + j) * (W + 2);
                    // SAFETY: every frequency has its place at `to`.
                    unsafe {
                        let to = self.to.as_mut_ptr().add(first_lane);
                        for_each_index!(W + 2, K => simd.store(to.add((frequency + K) * BLOCK), line[K]));
                    }
                }
            }
            first_lane += S::LANES;
        }
    }
}

/// Brings `[source channel][frequency][BLOCK]` into the order of [`Frequencies`].
///
/// Written there at once, the frequencies of a kernel would be far apart, by a power of two as a rule: all in the same
/// cache sets, so that lines are thrown out before they are full (measured: about twice as slow).
struct Regroup<'a> {
    from: &'a [f32],
    /// Source channels.
    count: usize,
    frequencies: usize,
    to: *mut f32,
    /// Distance of neighbouring frequencies.
    step: usize,
}

impl Kernel for Regroup<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        assert_eq!(self.from.len(), self.count * self.frequencies * BLOCK, "room does not match the kernels");
        for frequency in 0..self.frequencies {
            for source in 0..self.count {
                let mut lane = 0;
                while lane < BLOCK {
                    // SAFETY: the room holds all source channels and frequencies, and each has its place at `to`.
                    unsafe {
                        let from = self.from.as_ptr().add((source * self.frequencies + frequency) * BLOCK + lane);
                        simd.store(self.to.add(frequency * self.step + source * BLOCK + lane), simd.load(from));
                    }
                    lane += S::LANES;
                }
            }
        }
    }
}

/// `Gt u` along all axes: sums of products per frequency to gradients of kernel entries.
pub(super) struct Back<'a, const D: usize, const H: usize, const W: usize> {
    /// Sums of one frequency after another, `step` apart, as many as there are gradients of an entry.
    pub sums: &'a [f32],
    pub step: usize,
    /// `[27][pairs of channels]`, the pairs a multiple of `BLOCK`.
    pub entries: &'a mut [MaybeUninit<f32>],
}

impl<const D: usize, const H: usize, const W: usize> Kernel for Back<'_, D, H, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let pairs = self.entries.len() / ENTRIES;
        let frequencies = (D + 2) * (H + 2) * (W + 2);
        assert!(self.sums.len() >= (frequencies - 1) * self.step + pairs && pairs.is_multiple_of(BLOCK));
        let mut pair = 0;
        while pair < pairs {
            let mut along_w = [[simd.zero(); 3]; 36];
            // SAFETY: every frequency has `pairs` sums, and every entry as many gradients.
            unsafe {
                let from = self.sums.as_ptr().add(pair);
                let to = self.entries.as_mut_ptr().cast::<f32>().add(pair);
                for k in 0..(D + 2) * (H + 2) {
                    let line = samples!(W, simd, I => simd.load(from.add((k * (W + 2) + I) * self.step)));
                    along_w[k] = kernel_gradient::<S, W>(simd, line);
                }
                for c in 0..3 {
                    let mut along_h = [[simd.zero(); 3]; 6];
                    for i in 0..D + 2 {
                        let line = samples!(H, simd, J => along_w[i * (H + 2) + J][c]);
                        along_h[i] = kernel_gradient::<S, H>(simd, line);
                    }
                    for b in 0..3 {
                        let line = kernel_gradient::<S, D>(simd, samples!(D, simd, I => along_h[I][b]));
                        for a in 0..3 {
                            simd.store(to.add(((a * 3 + b) * 3 + c) * pairs), line[a]);
                        }
                    }
                }
            }
            pair += S::LANES;
        }
    }
}
