//! Models, losses, optimizers, schedules and weight files.
//!
//! Models are written over the layers of this crate and losses over tensors; neither knows a memory layout or an engine.

pub mod blocks;
pub mod layers;
pub mod losses;
pub mod models;
pub mod optimizers;
pub mod parameters;
pub mod random;
mod registry;
pub mod schedules;
pub mod transfer;
pub mod weights;

pub use mist_ops::{
    Device, FeatureMap, Gradients, INSTRUCTION_SETS, KernelCache, Tensor, for_inference, for_training, instruction_set,
    keep_freed_memory, timing, use_instruction_set,
};
pub use registry::{About, ModelFactory, Registry};
