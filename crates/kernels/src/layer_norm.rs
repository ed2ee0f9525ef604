//! Layer normalisation over the channels of each voxel (Ba, Kiros and Hinton 2016):
//! `y = gamma * (x - mean) * rstd + beta` with `rstd = 1 / sqrt(variance + eps)` and the biased variance.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::output::{filled_parts, pieces};
use crate::simd::{Isa, Kernel, Simd};

/// Voxels of one job.
const CHUNK: usize = 512;
/// Lanes that are summed apart, on every instruction set.
const LANES: usize = 16;

/// Gradients of a norm.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// With respect to `x`, in its shape.
    pub x: Vec<f32>,
    /// With respect to `gamma`, `[channels]`; zeros where there is none.
    pub gamma: Vec<f32>,
    /// With respect to `beta`, `[channels]`; zeros where there is none.
    pub beta: Vec<f32>,
}

/// Normalises every voxel of `x`, `[voxels, channels]`. `affine` is `[gamma, beta]`, `[channels]` each.
pub fn forward(channels: usize, x: &[f32], affine: Option<[&[f32]; 2]>, eps: f32) -> Vec<f32> {
    forward_on(Isa::best(), channels, x, affine, eps)
}

/// Gradients of [`forward`], from the gradient `dy` of its output; `gamma` is the first of `affine` there.
pub fn backward(channels: usize, x: &[f32], gamma: Option<&[f32]>, eps: f32, dy: &[f32]) -> Gradients {
    backward_on(Isa::best(), channels, x, gamma, eps, dy)
}

pub(crate) fn forward_on(isa: Isa, channels: usize, x: &[f32], affine: Option<[&[f32]; 2]>, eps: f32) -> Vec<f32> {
    assert!(channels > 0 && x.len().is_multiple_of(channels), "map does not match its channels");
    for parameter in affine.iter().flatten() {
        assert_eq!(parameter.len(), channels, "parameters do not match the channels");
    }
    let fill = |job: usize, part: &mut [MaybeUninit<f32>]| {
        let x = &x[job * CHUNK * channels..][..part.len()];
        isa.run(Forward { channels, x, affine, eps, output: part });
    };
    // SAFETY: a job writes all channels of its voxels.
    unsafe { filled_parts(pieces(x.len() / channels, CHUNK).map(|voxels| voxels * channels), fill) }
}

pub(crate) fn backward_on(
    isa: Isa,
    channels: usize,
    x: &[f32],
    gamma: Option<&[f32]>,
    eps: f32,
    dy: &[f32],
) -> Gradients {
    assert!(channels > 0 && x.len().is_multiple_of(channels), "map does not match its channels");
    assert_eq!(dy.len(), x.len(), "gradient does not match its map");
    assert!(gamma.is_none_or(|gamma| gamma.len() == channels), "parameters do not match the channels");
    let (x_chunks, dy_chunks) = (x.par_chunks(CHUNK * channels), dy.par_chunks(CHUNK * channels));
    let mut dx = vec![0.0; x.len()];
    let chunk = |((x, dy), dx): ((&[f32], &[f32]), &mut [f32])| {
        let mut sums = [vec![0.0; channels], vec![0.0; channels]];
        isa.run(Backward { channels, x, gamma, eps, dy, dx, sums: &mut sums });
        sums
    };
    let sums: Vec<_> =
        x_chunks.zip(dy_chunks).zip(dx.par_chunks_mut(CHUNK * channels)).with_max_len(1).map(chunk).collect();
    let total = |which: usize| -> Vec<f32> {
        let of = |channel: usize| sums.iter().map(|sums| f64::from(sums[which][channel])).sum::<f64>() as f32;
        (0..channels).map(of).collect()
    };
    let (gamma_gradient, beta_gradient) =
        if gamma.is_some() { (total(0), total(1)) } else { (vec![0.0; channels], vec![0.0; channels]) };
    Gradients { x: dx, gamma: gamma_gradient, beta: beta_gradient }
}

/// Sums over the channels of one voxel, in lanes that do not depend on the instruction set.
#[derive(Clone, Copy)]
struct Sums<S: Simd> {
    lanes: [S::V; 2],
}

impl<S: Simd> Sums<S> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        Self { lanes: [simd.zero(); 2] }
    }

    /// Adds `a * b` of the vector that begins at `channel`.
    #[inline(always)]
    fn add_product(&mut self, simd: S, channel: usize, a: S::V, b: S::V) {
        let lane = channel % LANES / S::LANES;
        self.lanes[lane] = simd.fma(a, b, self.lanes[lane]);
    }

    /// The sum of all lanes, halves first.
    #[inline(always)]
    fn total(self, simd: S) -> f32 {
        let mut lanes = [0.0f32; 2 * LANES];
        // SAFETY: the array holds both vectors; of 16 lanes, only the first is in use and the second zero.
        unsafe {
            simd.store(lanes.as_mut_ptr(), self.lanes[0]);
            simd.store(lanes.as_mut_ptr().add(S::LANES), self.lanes[1]);
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
        }
        lanes[0]
    }
}

/// Mean and `1 / sqrt(variance + eps)` of one voxel.
///
/// # Safety
/// `channels` values must be readable at `x`.
#[inline(always)]
unsafe fn moments<S: Simd>(simd: S, x: *const f32, channels: usize, eps: f32) -> [f32; 2] {
    let (mut sum, mut channel) = (Sums::new(simd), 0);
    while channel < channels {
        // SAFETY: the caller's promise.
        let value = unsafe { simd.load_first(x.add(channel), channels - channel) };
        sum.add_product(simd, channel, value, simd.splat(1.0));
        channel += S::LANES;
    }
    let mean = sum.total(simd) / channels as f32;
    let (mut squares, mut channel) = (Sums::new(simd), 0);
    while channel < channels {
        // SAFETY: the caller's promise. Lanes beyond the channels would add the square of the mean.
        let difference = unsafe { centred(simd, x, channel, channels, mean) };
        squares.add_product(simd, channel, difference, difference);
        channel += S::LANES;
    }
    [mean, 1.0 / (squares.total(simd) / channels as f32 + eps).sqrt()]
}

/// `x - mean` from `channel` on, 0 in lanes beyond the channels.
///
/// # Safety
/// `channels` values must be readable at `x`.
#[inline(always)]
unsafe fn centred<S: Simd>(simd: S, x: *const f32, channel: usize, channels: usize, mean: f32) -> S::V {
    let count = channels - channel;
    // SAFETY: the caller's promise.
    let value = unsafe { simd.load_first(x.add(channel), count) };
    if count >= S::LANES {
        return simd.sub(value, simd.splat(mean));
    }
    let mut means = [0.0; LANES];
    means[..count].fill(mean);
    // SAFETY: the array holds all lanes.
    simd.sub(value, unsafe { simd.load(means.as_ptr()) })
}

struct Forward<'a> {
    channels: usize,
    x: &'a [f32],
    affine: Option<[&'a [f32]; 2]>,
    eps: f32,
    output: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let y: *mut f32 = self.output.as_mut_ptr().cast();
        for voxel in 0..self.x.len() / self.channels {
            let x = self.x[voxel * self.channels..].as_ptr();
            // SAFETY: the voxel and the parameters have `channels` values.
            unsafe {
                let [mean, rstd] = moments(simd, x, self.channels, self.eps);
                let (mean, rstd) = (simd.splat(mean), simd.splat(rstd));
                let mut channel = 0;
                while channel < self.channels {
                    let count = self.channels - channel;
                    let centred = simd.sub(simd.load_first(x.add(channel), count), mean);
                    let mut value = simd.mul(centred, rstd);
                    if let Some([gamma, beta]) = self.affine {
                        let gamma = simd.load_first(gamma.as_ptr().add(channel), count);
                        value = simd.fma(value, gamma, simd.load_first(beta.as_ptr().add(channel), count));
                    }
                    simd.store_first(y.add(voxel * self.channels + channel), value, count);
                    channel += S::LANES;
                }
            }
        }
    }
}

/// With `g = gamma dy` and `z = (x - mean) * rstd`: `dx = rstd * (g - mean(g) - z * mean(g z))`.
struct Backward<'a> {
    channels: usize,
    x: &'a [f32],
    gamma: Option<&'a [f32]>,
    eps: f32,
    dy: &'a [f32],
    dx: &'a mut [f32],
    /// Of `dy z` and of `dy` over the voxels.
    sums: &'a mut [Vec<f32>; 2],
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let channels = self.channels;
        let [gamma_sums, beta_sums] = self.sums.each_mut().map(|sums| sums.as_mut_ptr());
        for voxel in 0..self.x.len() / channels {
            let (x, dy) = (self.x[voxel * channels..].as_ptr(), self.dy[voxel * channels..].as_ptr());
            let dx = self.dx[voxel * channels..].as_mut_ptr();
            // SAFETY: the voxel, the parameters and the sums have `channels` values.
            unsafe {
                let [mean, rstd] = moments(simd, x, channels, self.eps);
                let scale = simd.splat(rstd);
                let (mut sum_g, mut sum_gz, mut channel) = (Sums::new(simd), Sums::new(simd), 0);
                while channel < channels {
                    let count = channels - channel;
                    let dy = simd.load_first(dy.add(channel), count);
                    let z = simd.mul(centred(simd, x, channel, channels, mean), scale);
                    let mut g = dy;
                    if let Some(gamma) = self.gamma {
                        g = simd.mul(dy, simd.load_first(gamma.as_ptr().add(channel), count));
                        for (sums, value) in [(gamma_sums, simd.mul(dy, z)), (beta_sums, dy)] {
                            let sums = sums.add(channel);
                            simd.store_first(sums, simd.add(simd.load_first(sums, count), value), count);
                        }
                    }
                    sum_g.add_product(simd, channel, g, simd.splat(1.0));
                    sum_gz.add_product(simd, channel, g, z);
                    channel += S::LANES;
                }
                let mean_g = simd.splat(sum_g.total(simd) / channels as f32);
                let mean_gz = simd.splat(sum_gz.total(simd) / channels as f32);
                let mut channel = 0;
                while channel < channels {
                    let count = channels - channel;
                    let z = simd.mul(centred(simd, x, channel, channels, mean), scale);
                    let mut g = simd.load_first(dy.add(channel), count);
                    if let Some(gamma) = self.gamma {
                        g = simd.mul(g, simd.load_first(gamma.as_ptr().add(channel), count));
                    }
                    let value = simd.mul(simd.fnma(z, mean_gz, simd.sub(g, mean_g)), scale);
                    simd.store_first(dx.add(channel), value, count);
                    channel += S::LANES;
                }
            }
        }
    }
}
