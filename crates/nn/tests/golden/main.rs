//! The crate against the reference, from golden files.

mod losses;
mod models;
mod optimizers;
mod support;
mod topology;
mod transfer;
