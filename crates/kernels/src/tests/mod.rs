//! Fast against plain, everywhere the same bits.

mod accuracy;
mod attention;
mod conv;
mod data;
mod depthwise;
mod gelu;
mod grouped;
mod input;
mod instance_norm;
mod layer_norm;
mod maps;
mod moments;
mod patches;
mod pool;
mod region_loss;
mod transposed;
