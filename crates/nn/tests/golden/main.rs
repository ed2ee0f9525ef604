//! The crate against the reference, from golden files.

mod initial;
mod losses;
mod models;
mod optimizers;
mod support;
mod topology;
mod transfer;
