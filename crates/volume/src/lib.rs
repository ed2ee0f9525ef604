//! What a 3D image is: an array with geometry, its formats, and the operations on it.

pub mod distance;
