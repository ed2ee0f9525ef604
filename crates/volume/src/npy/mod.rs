//! NumPy's `.npy` arrays, formats 1.0 to 3.0: whole, or a block at a time by position.
//!
//! Values are always handed out in logical C order (last axis fastest), whatever order the file stores them in.
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

mod error;
mod file;
mod header;
mod value;
mod write;

pub use error::{NpyError, NpyProblem};
pub use file::{NpyFile, read_f32, read_u8};
pub use header::{Dtype, Header};
pub use value::Element;
pub use write::write;
