//! The weights of a convolution, and where those of a model in prediction are kept in the order of the kernels.

use crate::feature_map::SharedMoments;
use burn::tensor::Tensor;
use mist_kernels::ConvShape;
use mist_kernels::conv::{self, Input, Preparation, Prepared};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// The weights of a convolution.
#[derive(Clone)]
pub struct Kernel {
    pub(crate) tensor: Tensor<1>,
    pub(crate) kept: Kept,
}

/// Weights of which nothing is kept, as in training, where every step has others.
impl From<Tensor<1>> for Kernel {
    fn from(tensor: Tensor<1>) -> Self {
        Self { tensor, kept: Kept(None) }
    }
}

/// Prepared weights of one model, which must not change as long as the cache lives.
pub struct KernelCache {
    slots: Vec<OnceLock<Option<Prepared>>>,
    /// Bytes that may yet be kept.
    left: AtomicUsize,
}

impl KernelCache {
    /// Most bytes that are kept. All layers of `nnunet` where it pays, for patches of 64³, take 230 MiB.
    pub const MOST_BYTES: usize = 240 << 20;

    /// An empty cache for so many tensors.
    pub fn new(tensors: usize) -> Arc<Self> {
        Arc::new(Self {
            slots: (0..tensors).map(|_| OnceLock::new()).collect(),
            left: AtomicUsize::new(Self::MOST_BYTES),
        })
    }

    /// The weights `tensor`, prepared at most once under this `index`. Weights that are being trained are not kept.
    pub fn kernel(self: &Arc<Self>, index: usize, tensor: Tensor<1>) -> Kernel {
        let kept = (!tensor.device().is_autodiff()).then(|| (Arc::clone(self), index));
        Kernel { tensor, kept: Kept(kept) }
    }

    /// Sets `bytes` aside if there are as many.
    fn take(&self, bytes: usize) -> bool {
        self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }
}

/// Place of a layer's prepared weights, if any are to be kept.
#[derive(Clone)]
pub(crate) struct Kept(Option<(Arc<KernelCache>, usize)>);

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Kept").field(&self.0.is_some()).finish()
    }
}

impl Kept {
    /// The convolution with kept weights; they are prepared from `weight` if this is the first call.
    pub fn forward<'a>(
        &self,
        shape: &ConvShape,
        x: impl Into<Input<'a>>,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Option<Vec<f32>> {
        self.prepared(shape, Preparation::forward(shape), || Prepared::forward(shape, weight))?.run(shape, x, bias)
    }

    /// The convolution without a bias, with kept weights if there are any; what it measured of its output goes to
    /// `moments`.
    pub fn forward_measured<'a>(
        &self,
        shape: &ConvShape,
        x: impl Into<Input<'a>>,
        weight: &[f32],
        moments: &SharedMoments,
    ) -> Vec<f32> {
        let x = x.into();
        let prepared = self.prepared(shape, Preparation::forward(shape), || Prepared::forward(shape, weight));
        let output = prepared.and_then(|prepared| prepared.run_measured(shape, x));
        let (y, measured) = output.unwrap_or_else(|| conv::forward_measured(shape, x, weight));
        if let Some(measured) = measured {
            moments.get_or_init(|| measured);
        }
        y
    }

    /// As [`Self::forward`], of the transposed convolution.
    pub fn transposed(&self, shape: &ConvShape, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Option<Vec<f32>> {
        self.prepared(shape, Preparation::transposed(shape), || Prepared::transposed(shape, weight))?
            .run(shape, x, bias)
    }

    fn prepared(
        &self,
        shape: &ConvShape,
        preparation: Preparation,
        prepare: impl FnOnce() -> Prepared,
    ) -> Option<&Prepared> {
        let (cache, index) = self.0.as_ref()?;
        let keep = || (preparation.pays(shape) && cache.take(preparation.bytes())).then(prepare);
        cache.slots.get(*index)?.get_or_init(keep).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transposed_conv3d;
    use crate::{Conv, Device, FeatureMap, TransposedConv, conv3d, for_inference, for_training, parameter};

    const CHANNELS: usize = 16;

    fn values(seed: usize, len: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.0 - 1.0).collect()
    }

    fn map(size: usize, device: &Device) -> FeatureMap {
        FeatureMap::from_channels_last(values(1, size.pow(3) * CHANNELS), [1, size, size, size, CHANNELS], device)
    }

    fn convolve(size: usize, kernel: Kernel, device: &Device) -> Vec<f32> {
        let conv = Conv { out_channels: CHANNELS, kernel: [3; 3], stride: [1; 3], padding: [1; 3], groups: 1 };
        conv3d(&map(size, device), kernel, None, conv).into_values()
    }

    fn weights(seed: usize, device: &Device) -> Tensor<1> {
        parameter(values(seed, CHANNELS * CHANNELS * 27), device)
    }

    fn is_kept(cache: &KernelCache, index: usize) -> bool {
        cache.slots[index].get().is_some_and(Option::is_some)
    }

    #[test]
    fn kept_weights_give_the_same_bits_call_after_call() {
        let device = for_inference();
        let (cache, weights) = (KernelCache::new(1), weights(2, &device));
        // The first size decides what is kept; other tiles and the direct way do without.
        for size in [8, 8, 12, 4, 8] {
            let kept = convolve(size, cache.kernel(0, weights.clone()), &device);
            assert_eq!(kept, convolve(size, weights.clone().into(), &device));
        }
        assert!(is_kept(&cache, 0));
        let up = TransposedConv::blocks(CHANNELS, [3; 3]);
        let (cache, x) = (KernelCache::new(1), map(2, &device));
        for _ in 0..2 {
            let kept = transposed_conv3d(&x, cache.kernel(0, weights.clone()), None, up).into_values();
            assert_eq!(kept, transposed_conv3d(&x, weights.clone(), None, up).into_values());
        }
        assert!(is_kept(&cache, 0));
    }

    #[test]
    fn models_of_the_same_shape_keep_their_own_weights() {
        let device = for_inference();
        let folds = [2, 3].map(|seed| (KernelCache::new(1), weights(seed, &device)));
        let run = || folds.each_ref().map(|(cache, weights)| convolve(8, cache.kernel(0, weights.clone()), &device));
        let first = run();
        assert_ne!(first[0], first[1]);
        assert_eq!(first, run());
    }

    #[test]
    fn nothing_is_kept_in_training_for_large_maps_or_without_room() {
        let cache = KernelCache::new(3);
        let training = for_training();
        convolve(8, cache.kernel(0, weights(2, &training)), &training);
        let device = for_inference();
        convolve(20, cache.kernel(1, weights(2, &device)), &device);
        assert!(cache.take(KernelCache::MOST_BYTES), "something was kept");
        convolve(8, cache.kernel(2, weights(2, &device)), &device);
        assert!((0..3).all(|index| !is_kept(&cache, index)));
    }
}
