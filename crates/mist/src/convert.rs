//! Conversion of data sets into the folder layout that analysis expects, with a description.
//!
//! ```text
//! <output>/dataset.json
//! <output>/raw/train/<id>/mask.nii.gz
//! <output>/raw/train/<id>/<channel>.nii.gz
//! <output>/raw/test/<id>/<channel>.nii.gz
//! ```
//!
//! The source is checked before anything is written, and never changed. A case appears complete or not at all.

mod case_folder;
mod channel_names;
pub mod csv;
mod description;
mod image_file;
pub mod msd;
mod problem;
mod split;
mod target;
#[cfg(test)]
mod testing;

pub use image_file::Link;
pub use target::Target;

/// How a conversion goes on after a stop.
const AFTER_INTERRUPTION: &str = "start again with --overwrite: the case folders are complete, and all are made anew";
