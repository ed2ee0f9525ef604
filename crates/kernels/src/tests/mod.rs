//! Fast against plain, everywhere the same bits.

mod conv;
mod data;
mod instance_norm;
mod maps;
