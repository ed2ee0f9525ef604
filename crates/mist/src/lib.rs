//! The pipeline: from a folder of scans to evaluated segmentation models.
//!
//! One module per command; a stage is a function from typed inputs to typed outputs. Stages print nothing:
//! they speak through [`console::Console`] and return [`error::Error`].

pub mod analyze;
pub mod bench;
mod cases;
pub mod checksum;
pub mod config;
pub mod console;
pub mod convert;
pub mod dataset;
pub mod demo;
pub mod device;
mod disk;
pub mod ensemble;
pub mod error;
pub mod evaluate;
pub mod files;
pub mod finalize;
#[cfg(test)]
mod golden;
pub mod gpu;
pub mod interrupt;
pub mod json;
pub mod label_map;
pub mod load;
pub mod memory;
pub mod model_record;
pub mod models;
pub mod network;
pub mod outputs;
pub mod parallel;
pub mod picture;
pub mod postprocess;
pub mod predict;
pub mod preprocess;
pub mod random;
pub mod rank;
pub mod report;
pub mod run_all;
pub mod schema;
pub mod suggest;
pub mod tables;
pub mod tensorboard;
pub mod text;
pub mod train;
pub mod view;
pub mod weights;

pub use error::{CaseFailure, Error, Result};
