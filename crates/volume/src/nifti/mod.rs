//! NIfTI-1 and NIfTI-2 files, `.nii` and `.nii.gz`.
//!
//! Nothing in a file is trusted: every declared number is checked, and memory grows with the bytes that really arrive, or is
//! reserved at once where header and end of the file agree on the size.
//! The rules for geometry and scaling are those of ITK's reader, so that a scan lies where it lies for other programs.
//! Format: <https://nifti.nimh.nih.gov/nifti-1>, <https://nifti.nimh.nih.gov/nifti-2>.

mod convert;
mod datatype;
mod encode;
mod error;
mod gzip;
mod header;
mod parse;
mod placement;
mod read;
mod source;
mod values;
mod write;

pub use datatype::{Datatype, Integer, Voxel};
pub use error::{NiftiError, NiftiProblem};
pub use header::Header;
pub use read::{read, read_header, read_integers, read_series, read_vector, verify};
pub use write::{to_bytes, write, write_as, write_vector, write_vector_with};
