//! What a 3D image is: an array with geometry, its formats, and the operations on it.
//!
//! Conventions that hold everywhere: voxels are stored **x fastest** (`index = x + nx·(y + ny·z)`), as in a NIfTI file;
//! the world is LPS (x towards the patient's Left, y Posterior, z Superior) in millimetres.

pub mod atomic;
pub mod components;
pub mod crop;
pub mod distance;
pub mod foreground;
mod geometry;
pub mod holes;
pub mod morphology;
pub mod nifti;
pub mod npy;
pub mod orientation;
pub mod otsu;
pub mod percentile;
pub mod resample;
pub mod skeleton;
mod volume;

pub use geometry::{Geometry, GridMismatch, IDENTITY_DIRECTION, all_close, same_grid};
pub use volume::{ShapeError, Volume};
