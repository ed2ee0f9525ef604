//! Prediction: from a preprocessed image to a label map on the grid of the original scan.
//!
//! Between the preprocessed image and the class indices everything is an array `[x][y][z][channel]` ([`ChannelsLast`]),
//! as the network takes and gives it; [`restore`] goes back to images.

mod admission;
mod array;
pub mod ensemble;
pub mod flips;
mod infer;
mod inputs;
mod networks;
pub mod out_of_fold;
mod pipeline;
mod probabilities;
mod probability_volume;
pub(crate) mod report;
pub mod restore;
mod run;
pub mod settings;
mod shard;
pub mod stitch;
mod targets;
mod unpredicted;
mod warnings;
pub mod window;

#[cfg(test)]
mod golden;

pub use array::ChannelsLast;
pub use inputs::{Case, Input, cases};
pub use networks::Networks;
pub use pipeline::{Job, Predictor};
pub use run::{Options, run};
pub use shard::Shard;
pub use targets::{ProbabilityMaps, Targets};
