//! Prediction: from a preprocessed image to a label map on the grid of the original scan.
//!
//! Between the preprocessed image and the class indices everything is an array `[x][y][z][channel]` ([`ChannelsLast`]),
//! as the network takes and gives it; [`restore`] goes back to images.

mod admission;
mod array;
pub mod ensemble;
pub mod flips;
mod inputs;
pub mod out_of_fold;
pub mod restore;
mod run;
pub mod settings;
pub mod stitch;
mod unpredicted;
pub mod window;

#[cfg(test)]
mod golden;

pub use array::ChannelsLast;
pub use inputs::{Case, Input, cases};
pub use run::{Options, Predictor, Targets, load_networks, run};
