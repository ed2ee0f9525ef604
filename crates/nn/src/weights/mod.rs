//! PyTorch weight files and checkpoints, ZIP archives of one pickle and raw tensor storages, and weight files in the
//! safetensors format.
//!
//! Reading trusts nothing: the pickle goes through an interpreter of the few instructions that a state dict needs,
//! which knows a dozen names and calls nothing; every size is checked against the bytes that are there before memory is
//! asked for. Writing gives the same bytes for the same values: no time, no machine, no random id.

mod archive;
mod archive_writer;
mod average;
mod error;
mod format;
mod network;
mod pickle_objects;
mod pickle_reader;
mod pickle_writer;
mod safetensors;
mod state_dict;
mod storage;
mod tensor;
mod value;
mod zip_directory;

#[cfg(test)]
mod hostile_tests;

pub use archive::{read, read_from};
pub use archive_writer::write;
pub use average::Average;
pub use error::{Mismatch, WeightsError, WrongShape};
pub use format::Format;
pub use network::{names_and_shapes, parameters_from, state_dict};
pub use safetensors::write_safetensors;
pub use state_dict::{StateDict, read_state_dict, write_state_dict};
pub use tensor::{Tensor, TensorData};
pub use value::Value;
