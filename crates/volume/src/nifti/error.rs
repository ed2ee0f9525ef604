//! Why a NIfTI file cannot be used.

use std::path::{Path, PathBuf};

/// A NIfTI file that cannot be read or written: which one, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct NiftiError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: NiftiProblem,
}

/// What is wrong with a NIfTI file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NiftiProblem {
    /// The operating system reports an error.
    #[error("cannot {action} the file: {error}")]
    System {
        /// What was being done.
        action: &'static str,
        /// What the system says.
        error: std::io::Error,
    },
    /// The compressed stream is broken.
    #[error("the gzip stream is damaged after {position} decompressed bytes: {error}")]
    Compression {
        /// Decompressed bytes before the damage.
        position: u64,
        /// What the decompressor says.
        error: std::io::Error,
    },
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// Shorter than a header.
    #[error("the file ends after {found} bytes, inside the header")]
    HeaderTruncated {
        /// Bytes there are.
        found: usize,
    },
    /// The first bytes are not those of a NIfTI file.
    #[error("this is not a NIfTI file (a header begins with its length, 348 or 540)")]
    NotNifti,
    /// A NIfTI or Analyze header whose magic is not that of a single file.
    #[error("the header's magic is {found:?} instead of \"n+1\" or \"n+2\"{}", pair_hint(found))]
    Magic {
        /// The magic found, as text.
        found: String,
    },
    /// The number of dimensions is not 1 to 7.
    #[error("the header declares {found} dimensions; 1 to 7 are possible")]
    DimensionCount {
        /// `dim[0]`.
        found: i64,
    },
    /// A dimension without voxels.
    #[error("dimension {axis} has {found} voxels; it needs at least 1")]
    Dimension {
        /// Number of the dimension, from 1.
        axis: usize,
        /// The size declared.
        found: i64,
    },
    /// The declared size overflows.
    #[error("the header declares {dimensions:?} voxels, which is more than can be addressed")]
    TooLarge {
        /// Sizes declared.
        dimensions: Vec<usize>,
    },
    /// There is less in the file than declared.
    #[error("the header declares {declared} bytes of voxels, but the file holds {} {available}", if *at_most { "at most" } else { "only" })]
    Truncated {
        /// Bytes of voxel values declared.
        declared: u64,
        /// Bytes there are.
        available: u64,
        /// Whether `available` is an upper bound: deflate cannot expand what there is by more.
        at_most: bool,
    },
    /// More memory is declared than the system gives.
    #[error("no memory for {bytes} bytes of voxels")]
    Memory {
        /// Bytes wanted.
        bytes: u64,
    },
    /// A type of voxel that is no single real number.
    #[error("voxels of type {name} are not supported (only integers of 8 to 64 bits and floats of 32 or 64 bits)")]
    Datatype {
        /// Name of the type.
        name: String,
    },
    /// A spacing that is no length.
    #[error("the spacing along axis {axis} is {found}")]
    Spacing {
        /// Number of the axis, from 1.
        axis: usize,
        /// The value found.
        found: f64,
    },
    /// A position or direction that is no number, or none after what the format makes of it.
    #[error("the {transform} holds values that are not finite or too large")]
    NotFinite {
        /// Which transform.
        transform: &'static str,
    },
    /// The sform shears, and there is no qform.
    #[error("the axes of the sform are not orthogonal, and there is no qform to use instead")]
    Sheared,
    /// The position of the voxel data makes no sense.
    #[error("the voxels are said to start at byte {found}")]
    DataOffset {
        /// `vox_offset`.
        found: f64,
    },
    /// Another number of dimensions was wanted.
    #[error("{wanted} is needed, but the image has {} dimensions: {dimensions:?}", dimensions.len())]
    WrongDimensions {
        /// What the caller needs.
        wanted: &'static str,
        /// Sizes, without trailing ones.
        dimensions: Vec<usize>,
    },
    /// A series of more images than there are in practice.
    #[error("the series has {found} images; at most {} can be read", i16::MAX)]
    Frames {
        /// Images declared.
        found: usize,
    },
    /// An image of several values per voxel where one is needed.
    #[error("this is a vector image with {components} values per voxel; a scalar image is needed")]
    Vector {
        /// Values per voxel.
        components: usize,
    },
    /// A voxel that is no whole number of the type wanted.
    #[error("voxel ({}, {}, {}) is {value}, not a whole number from {least} to {most}", index[0], index[1], index[2])]
    NotInteger {
        /// Index (x, y, z) of the first such voxel.
        index: [usize; 3],
        /// Its value, rounded to `f32`.
        value: f32,
        /// The smallest value of the type.
        least: i64,
        /// The largest value of the type.
        most: i64,
    },
    /// The file name says nothing about the format.
    #[error("the file name must end with .nii.gz or .nii")]
    Extension,
    /// Images of a series that do not lie on one grid, or none at all.
    #[error("the components of a vector image must be at least one and all of one size")]
    Components,
    /// A size that the format cannot store.
    #[error("{size:?} voxels do not fit a NIfTI-1 header (at most 32767 along an axis, at least 1)")]
    Unwritable {
        /// Size of the image.
        size: Vec<usize>,
    },
}

/// Two-file images are the common case of a wrong magic; the remedy is known.
fn pair_hint(magic: &str) -> &'static str {
    match magic {
        "ni1" | "ni2" => "; .hdr/.img pairs are not supported, convert them to a single .nii.gz file",
        _ => "",
    }
}

impl NiftiProblem {
    /// Names the file.
    pub(super) fn at(self, path: &Path) -> NiftiError {
        NiftiError { path: path.to_owned(), problem: self }
    }
}
