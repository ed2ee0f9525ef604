//! Fast against plain, everywhere the same bits.

mod accuracy;
mod conv;
mod data;
mod depthwise;
mod grouped;
mod input;
mod instance_norm;
mod maps;
mod moments;
mod pool;
mod region_loss;
mod transposed;
