//! Why an array file cannot be used.

use std::path::{Path, PathBuf};

/// An array file that cannot be read or written: which one, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct NpyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: NpyProblem,
}

/// What is wrong with an array file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpyProblem {
    /// The operating system reports an error.
    #[error("cannot {action} the file: {error}")]
    System {
        /// What was being done.
        action: &'static str,
        /// What the system says.
        error: std::io::Error,
    },
    /// The first bytes are not those of an array file.
    #[error("this is not an array file (.npy)")]
    NotNpy,
    /// A version of the format that does not exist yet.
    #[error("format version {major}.{minor} is not known")]
    Version {
        /// First part of the version.
        major: u8,
        /// Second part.
        minor: u8,
    },
    /// The text of the header is cut off or not what NumPy writes.
    #[error("the header is damaged: {what}")]
    Header {
        /// What is wrong.
        what: &'static str,
    },
    /// A type of element that is not supported.
    #[error("elements of type {found} are not supported (f4, f8, u1, i1, i2, i4 and i8 are)")]
    Dtype {
        /// The type's description in the header.
        found: String,
    },
    /// The declared size overflows.
    #[error("the shape {shape:?} is more than can be addressed")]
    TooLarge {
        /// Shape declared.
        shape: Vec<usize>,
    },
    /// There is less in the file than declared.
    #[error("the header declares {declared} bytes, but the file has only {found}")]
    Truncated {
        /// Bytes of the whole file by its header.
        declared: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A block that does not lie in the array.
    #[error("a block of {size:?} at {start:?} does not lie in an array of shape {shape:?}")]
    Block {
        /// First element of the block.
        start: Vec<usize>,
        /// Elements along each axis.
        size: Vec<usize>,
        /// Shape of the array.
        shape: Vec<usize>,
    },
    /// A value that the wanted type cannot hold.
    #[error("the value {found} is not a whole number from 0 to 255")]
    Value {
        /// The value.
        found: f64,
    },
    /// Shape and number of values to write disagree.
    #[error("an array of shape {shape:?} cannot hold {values} values")]
    Shape {
        /// Shape wanted.
        shape: Vec<usize>,
        /// Number of values given.
        values: usize,
    },
}

impl NpyProblem {
    /// Names the file.
    pub(super) fn at(self, path: &Path) -> NpyError {
        NpyError { path: path.to_owned(), problem: self }
    }
}
