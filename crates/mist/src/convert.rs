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
mod description;
mod image_file;
pub mod msd;
