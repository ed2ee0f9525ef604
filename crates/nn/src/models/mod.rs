//! Network architectures, one file each. A new one is a file here and a line in [`crate::Registry::builtin`].

mod description;
pub mod mednext;
pub mod mgnet;
pub mod nnunet;
pub mod plan;
pub mod swinunetr;

pub use description::{Description, Layer};

use crate::parameters::{Layout, Weights};
use mist_ops::FeatureMap;
use serde_json::{Map, Value};

/// What a network is built from: `model.params` and `spatial_config` of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Image channels.
    pub in_channels: usize,
    /// Classes, background included.
    pub out_channels: usize,
    /// Training patch in voxels, axes as the preprocessed arrays.
    pub patch_size: [usize; 3],
    /// Voxel spacing in mm, same axes.
    pub target_spacing: [f64; 3],
    /// Further keys of `model.params`, for architectures that know them.
    pub extra: Map<String, Value>,
}

/// Why a network cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The name is not registered.
    #[error("unknown architecture `{name}`; known are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// All registered names.
        known: String,
    },
    /// The patch has too few levels for the network.
    #[error(
        "patch size {patch:?} is too small: at least one axis must allow {halvings} halvings ({voxels} voxels or more \
         on an axis whose spacing is within twice the finest)"
    )]
    TooSmall {
        /// The patch.
        patch: [usize; 3],
        /// How often an axis must be halved.
        halvings: usize,
        /// Fewest voxels of such an axis.
        voxels: usize,
    },
    /// Only one voxel would be left at the deepest level, and a norm over one voxel is no norm.
    #[error(
        "patch size {patch:?} is too small: not more than one voxel is left after all halvings; the smallest that works is \
         {least:?}, in any order of axes"
    )]
    OneVoxel {
        /// The patch.
        patch: [usize; 3],
        /// The smallest patch that works.
        least: [usize; 3],
    },
    /// A size of kernels that the network has not.
    #[error("`kernel_size` must be 3, 5 or 7, not {value}")]
    KernelSize {
        /// What was given.
        value: String,
    },
    /// The patch does not divide by the strides.
    #[error("patch size {size} on axis {axis} is not a multiple of {divisor}; {}", nearest(*below, *above))]
    Indivisible {
        /// Axis, 0 to 2.
        axis: usize,
        /// Extent on it.
        size: usize,
        /// Product of the strides on it.
        divisor: usize,
        /// Nearest smaller multiple; 0 where there is none.
        below: usize,
        /// Nearest larger multiple.
        above: usize,
    },
    /// Channel counts must be positive.
    #[error("{what} must be at least {least}, not {value}")]
    Channels {
        /// `in_channels` or `out_channels`.
        what: &'static str,
        /// Smallest allowed value.
        least: usize,
        /// What was given.
        value: usize,
    },
}

/// The multiples that a message suggests.
fn nearest(below: usize, above: usize) -> String {
    match below {
        0 => format!("the smallest multiple is {above}"),
        _ => format!("the nearest multiples are {below} and {above}"),
    }
}

impl ModelError {
    /// Of a patch with no axis that can be halved so often.
    pub fn too_small(patch: [usize; 3], halvings: usize) -> Self {
        Self::TooSmall { patch, halvings, voxels: plan::SMALLEST_HALVED << halvings.saturating_sub(1) }
    }
}

/// Whether auxiliary outputs are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Prediction and auxiliary outputs for deep supervision.
    Training,
    /// Prediction only.
    Inference,
}

/// Logits of a network, at the size of its input.
pub struct Output {
    /// The main logits.
    pub prediction: FeatureMap,
    /// Auxiliary logits from finer to coarser levels, already at full size; empty in inference.
    pub auxiliary: Vec<FeatureMap>,
}

/// A network: its parameters' names and shapes, and the function they parametrise.
pub trait Model: Send + Sync {
    /// Its tensors.
    fn layout(&self) -> &Layout;

    /// Per axis, what the size of every input must be a multiple of.
    fn divisor(&self) -> [usize; 3];

    /// Logits of a batch of images.
    fn forward(&self, weights: &Weights, image: &FeatureMap, mode: Mode) -> Output;
}

/// Checks what every architecture needs.
pub fn check_channels(config: &ModelConfig) -> Result<(), ModelError> {
    let checks = [("in_channels", 1, config.in_channels), ("out_channels", 2, config.out_channels)];
    for (what, least, value) in checks {
        if value < least {
            return Err(ModelError::Channels { what, least, value });
        }
    }
    Ok(())
}

/// Checks a patch whose axes are all divided by `divisor`: more than one voxel must be left.
pub fn check_halvings(patch: [usize; 3], divisor: usize) -> Result<(), ModelError> {
    // First, so that no multiple is suggested that is too small as well.
    match patch.iter().all(|size| *size <= divisor) {
        true => Err(ModelError::OneVoxel { patch, least: [2 * divisor, divisor, divisor] }),
        false => check_divisible(patch, [divisor; 3]),
    }
}

/// Checks that the patch is a multiple of the strides on every axis.
pub fn check_divisible(patch: [usize; 3], divisor: [usize; 3]) -> Result<(), ModelError> {
    for (axis, (&size, &divisor)) in patch.iter().zip(&divisor).enumerate() {
        // A model from elsewhere may say 0, of which no size is a multiple.
        if size.checked_rem(divisor) != Some(0) {
            let below = size.checked_div(divisor).unwrap_or(0) * divisor;
            let above = below.saturating_add(divisor);
            return Err(ModelError::Indivisible { axis, size, divisor, below, above });
        }
    }
    Ok(())
}
