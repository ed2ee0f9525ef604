//! Fast against plain, everywhere the same bits.

/// As in the programs; the system's allocator aligns no map for streams.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
