//! The differentiable operations that models call, and the only crate that knows the tensor engine (Burn).
//!
//! Models, losses and the training loop use what is re-exported here, so that the engine stays replaceable:
//! [`FeatureMap`] between layers, [`Tensor`] in losses, [`Device`] where the work runs.

mod add;
mod apply;
mod attention;
mod concat;
mod conv;
mod device;
mod feature_map;
mod gelu;
mod joined_conv;
mod kernel;
mod layer_norm;
mod minimum;
mod norm;
mod norm_conv;
mod operation;
mod parameter;
mod patches;
mod pool;
mod reduce;
mod region_loss;
mod resize;
pub mod timing;
pub mod trace;

pub use add::add;
pub use attention::{WindowAttention, relative_positions, window_attention};
pub use burn::tensor::{Device, Tensor, TensorData, activation};
pub use concat::concat;
pub use conv::{Conv, TransposedConv, conv3d, transposed_conv3d};
pub use device::{for_inference, for_training};
pub use feature_map::FeatureMap;
pub use gelu::gelu;
pub use kernel::{Kernel, KernelCache};
pub use layer_norm::layer_norm;
pub use minimum::minimum;
pub use mist_kernels::encoding::Encoding;
pub use mist_kernels::{Activation, INSTRUCTION_SETS, instruction_set, keep_freed_memory, use_instruction_set};
pub use norm::{InstanceNorm, instance_norm, pending_instance_norm};
pub use parameter::{Gradients, constant, fold_repeated, parameter};
pub use patches::merge_patches;
pub use pool::{Pool, max_pool3d, min_pool3d};
pub use reduce::sum_voxels;
pub use region_loss::{RegionLoss, region_loss};
pub use resize::{resize_trilinear, upsample_nearest};
