//! The backward direction in two sweeps. With `g` the gradient before the activation and `z = (x - mean) * rstd`:
//! `d beta = sum g`, `d gamma = sum g z` and `dx = gamma * rstd * (g - mean(g) - z * mean(g z))`.

use std::mem::MaybeUninit;

use super::forward::GROUP;
use super::pending::Lanes;
use super::statistics::{CHUNK, Terms, sum_chunks};
use super::{Gradients, NormShape, Pending};
use crate::output::{filled_parts, pieces, store, streams};
use crate::simd::{Isa, Kernel, Simd, fence};

/// Values of a job of [`before_activation`].
const PIECE: usize = 1 << 15;

/// What the backward pass reads.
pub(super) struct Backward<'a> {
    pub norm: &'a Pending<'a>,
    pub x: &'a [f32],
    pub gamma: &'a [f32],
    /// Gradient of the output, or where not `activated` of the norm itself.
    pub dy: &'a [f32],
    pub activated: bool,
}

/// Per-channel numbers of both sweeps.
#[derive(Clone, Copy)]
pub(super) struct Constants<S: Simd> {
    rstd: S::V,
    lanes: Lanes<S>,
}

impl Terms for Backward<'_> {
    type Constants<S: Simd> = Constants<S>;

    #[inline(always)]
    unsafe fn at<S: Simd>(
        &self,
        simd: S,
        constants: Constants<S>,
        voxel: usize,
        channel: usize,
        count: usize,
    ) -> [S::V; 2] {
        // SAFETY: the caller promises `count` channels.
        unsafe {
            let x = simd.load_first(self.x.as_ptr().add(voxel + channel), count);
            let gradient = self.before_activation(simd, constants.lanes, x, voxel + channel, count);
            [gradient, simd.mul(gradient, simd.mul(simd.sub(x, constants.lanes.mean), constants.rstd))]
        }
    }

    #[inline(always)]
    unsafe fn constants<S: Simd>(&self, simd: S, image: usize, _: usize, channel: usize, count: usize) -> Constants<S> {
        let slot = image * self.norm.shape().channels + channel;
        // SAFETY: the caller promises `count` channels.
        unsafe {
            let rstd = simd.load_first(self.norm.statistics.rstd.as_ptr().add(slot), count);
            Constants { rstd, lanes: self.norm.lanes(simd, image, channel, count) }
        }
    }
}

impl Backward<'_> {
    /// Gradient before the activation, where the map has the values `x`.
    ///
    /// # Safety
    /// `count` values must follow `at` in the maps.
    #[inline(always)]
    unsafe fn before_activation<S: Simd>(&self, simd: S, lanes: Lanes<S>, x: S::V, at: usize, count: usize) -> S::V {
        // SAFETY: the caller promises `count` values.
        unsafe {
            let dy = simd.load_first(self.dy.as_ptr().add(at), count);
            if !self.activated {
                return dy;
            }
            // The branch that the activation took, from the sign of the norm, computed again.
            simd.where_positive(lanes.normalised(simd, x), dy, simd.mul(dy, lanes.slope))
        }
    }

    pub fn run(&self, isa: Isa) -> Gradients {
        let NormShape { batch, voxels, channels } = *self.norm.shape();
        let statistics = self.norm.statistics;
        let chunks = voxels.div_ceil(CHUNK);
        let parts = sum_chunks(isa, self.norm.shape(), self);
        let (mut beta, mut gamma) = (vec![0.0f64; channels], vec![0.0f64; channels]);
        // Of each image and channel: gamma * rstd, mean(g) and mean(g z).
        let (mut scale, mut mean_g, mut mean_gz) = (Vec::new(), Vec::new(), Vec::new());
        for image in 0..batch {
            for channel in 0..channels {
                let of_image = &parts[image * chunks..][..chunks];
                let sum_g: f64 = of_image.iter().map(|sums| sums[channel]).sum();
                let sum_gz: f64 = of_image.iter().map(|sums| sums[channels + channel]).sum();
                beta[channel] += sum_g;
                gamma[channel] += sum_gz;
                scale.push(self.gamma[channel] * statistics.rstd[image * channels + channel]);
                mean_g.push((sum_g / voxels as f64) as f32);
                mean_gz.push((sum_gz / voxels as f64) as f32);
            }
        }
        let lengths = (0..batch).flat_map(|_| pieces(voxels, CHUNK)).map(|voxels| voxels * channels);
        let first = |job: usize| (job / chunks * voxels + job % chunks * CHUNK) * channels;
        let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
            let image = job / chunks;
            let (scale, mean_g, mean_gz) =
                (&scale[image * channels..], &mean_g[image * channels..], &mean_gz[image * channels..]);
            isa.run(Chunk { pass: self, image, first: first(job), scale, mean_g, mean_gz, output: part });
        };
        let rounded = |sums: Vec<f64>| sums.into_iter().map(|sum| sum as f32).collect();
        Gradients {
            // SAFETY: a job writes all channels of all its voxels.
            x: unsafe { filled_parts(lengths, fill) },
            gamma: rounded(gamma),
            beta: rounded(beta),
        }
    }
}

/// The gradient before the activation, where a residual was added: also that of the residual. The sign of the output `y`
/// tells the branch that the activation took.
pub(super) fn before_activation(isa: Isa, slope: f32, y: &[f32], dy: &[f32]) -> Vec<f32> {
    let fill = |job: usize, output: &mut [MaybeUninit<f32>]| {
        let range = job * PIECE..job * PIECE + output.len();
        isa.run(Residual { y: &y[range.clone()], dy: &dy[range], slope, output });
    };
    // SAFETY: a job writes all its values.
    unsafe { filled_parts(pieces(y.len(), PIECE), fill) }
}

/// A chunk of voxels of `dx`.
struct Chunk<'a> {
    pass: &'a Backward<'a>,
    image: usize,
    first: usize,
    scale: &'a [f32],
    mean_g: &'a [f32],
    mean_gz: &'a [f32],
    output: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Chunk<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let channels = self.pass.norm.shape().channels;
        let dx: *mut f32 = self.output.as_mut_ptr().cast();
        let voxels = self.output.len() / channels;
        let streams = streams::<S>(self.pass.norm.shape().len(), dx, channels);
        let mut done = 0;
        while done < voxels {
            let end = voxels.min(done + GROUP);
            let mut channel = 0;
            while channel < channels {
                let count = channels - channel;
                // SAFETY: `count` channels follow in every map and every per-channel list; the voxels are the job's.
                unsafe {
                    let constants = self.pass.constants(simd, self.image, self.first, channel, count);
                    let scale = simd.load_first(self.scale.as_ptr().add(channel), count);
                    let mean_g = simd.load_first(self.mean_g.as_ptr().add(channel), count);
                    let mean_gz = simd.load_first(self.mean_gz.as_ptr().add(channel), count);
                    for voxel in done..end {
                        let at = voxel * channels + channel;
                        let x = simd.load_first(self.pass.x.as_ptr().add(self.first + at), count);
                        let gradient = self.pass.before_activation(simd, constants.lanes, x, self.first + at, count);
                        let z = simd.mul(simd.sub(x, constants.lanes.mean), constants.rstd);
                        let centred = simd.fnma(z, mean_gz, simd.sub(gradient, mean_g));
                        store(simd, streams, dx.add(at), simd.mul(centred, scale), count);
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

/// A chunk of the residual's gradient, the gradient before the activation.
struct Residual<'a> {
    y: &'a [f32],
    dy: &'a [f32],
    slope: f32,
    output: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Residual<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let to: *mut f32 = self.output.as_mut_ptr().cast();
        let slope = simd.splat(self.slope);
        let mut at = 0;
        while at < self.output.len() {
            let count = self.output.len() - at;
            // SAFETY: `count` values follow in all three.
            unsafe {
                let y = simd.load_first(self.y.as_ptr().add(at), count);
                let dy = simd.load_first(self.dy.as_ptr().add(at), count);
                simd.store_first(to.add(at), simd.where_positive(y, dy, simd.mul(dy, slope)), count);
            }
            at += S::LANES;
        }
    }
}
