//! Reading NIfTI files.

use super::convert::{self, Refused};
use super::datatype::Integer;
use super::error::{NiftiError, NiftiProblem};
use super::header::Header;
use super::parse;
use super::source::Source;
use crate::volume::Volume;
use std::path::Path;

/// Values are converted in pieces of this many bytes: small enough for the cache, a multiple of every value's size.
const CHUNK_BYTES: usize = 1 << 17;

/// Images of a series that NIfTI-1 can count. Each has a geometry in memory, which a header of NIfTI-2 could have made for any
/// number of images of one voxel.
const MOST_FRAMES: usize = i16::MAX as usize;

/// Reads the header only; of a compressed file no more than its first bytes are decompressed.
///
/// # Errors
/// The file cannot be opened, is no NIfTI file, or its header is not usable (see [`NiftiProblem`]).
pub fn read_header(path: &Path) -> Result<Header, NiftiError> {
    open(path).map(|(header, _)| header).map_err(|problem| problem.at(path))
}

/// Reads a 3D image of scalars, scaled and converted to `f32`. Values that are not finite are kept; see
/// [`Volume::first_non_finite`].
///
/// # Errors
/// As [`read_header`]; further: the image is not 3D, or the file ends early or is damaged.
pub fn read(path: &Path) -> Result<Volume<f32>, NiftiError> {
    read_3d(path, convert::to_f32).map_err(|problem| problem.at(path))
}

/// Reads a 3D image of whole numbers without going through `f32`: label maps, and scans as they are stored. Values are scaled
/// as [`read`] does it, and have to be whole numbers of the type afterwards.
///
/// # Errors
/// As [`read`]; further: a value that the type cannot hold exactly.
pub fn read_integers<T: Integer>(path: &Path) -> Result<Volume<T>, NiftiError> {
    read_3d(path, convert::to_integers).map_err(|problem| problem.at(path))
}

/// Reads a 4D image as the 3D images along its fourth axis. A 3D image is a series of one.
///
/// # Errors
/// As [`read`], for an image that is neither 3D nor 4D; further: more than 32767 images.
pub fn read_series(path: &Path) -> Result<Vec<Volume<f32>>, NiftiError> {
    let read = || {
        let (header, source) = open(path)?;
        let frames = match header.dimensions[..] {
            [_, _, _] => 1,
            [_, _, _, frames] => frames,
            _ => return Err(wrong_dimensions("a 3D or 4D image", &header)),
        };
        read_frames(&header, source, frames, convert::to_f32)
    };
    read().map_err(|problem| problem.at(path))
}

/// Reads a file to its end without keeping the voxels: that all are there, and that a compressed stream is sound.
///
/// # Errors
/// As [`read_header`]; further: the file ends early or is damaged.
pub fn verify(path: &Path) -> Result<(), NiftiError> {
    let verify = || {
        let (header, mut source) = open(path)?;
        let values = header.dimensions.iter().try_fold(1_u64, |product, &n| product.checked_mul(n as u64));
        let declared = values.and_then(|values| values.checked_mul(header.datatype.bytes() as u64));
        let declared = declared.ok_or_else(|| NiftiProblem::TooLarge { dimensions: header.dimensions.clone() })?;
        source.skip(header.data_offset.saturating_sub(source.position()))?;
        let (available, at_most) = source.most_remaining();
        if declared > available {
            return Err(NiftiProblem::Truncated { declared, available, at_most });
        }
        let begin = source.position();
        source.skip(declared)?;
        let read = source.position() - begin;
        if read < declared {
            return Err(NiftiProblem::Truncated { declared, available: read, at_most: false });
        }
        source.verify_end()
    };
    verify().map_err(|problem| problem.at(path))
}

/// Reads a vector image (`dim = [5, X, Y, Z, 1, K]`, as [`super::write_vector`] writes it) as one 3D image per component. A
/// 3D image has one component.
///
/// # Errors
/// As [`read`], for an image of another shape.
pub fn read_vector(path: &Path) -> Result<Vec<Volume<f32>>, NiftiError> {
    let read = || {
        let (header, source) = open(path)?;
        let components = match header.dimensions[..] {
            [_, _, _] => 1,
            [_, _, _, 1, components] => components,
            _ => return Err(wrong_dimensions("a vector image", &header)),
        };
        read_frames(&header, source, components, convert::to_f32)
    };
    read().map_err(|problem| problem.at(path))
}

fn read_3d<T>(path: &Path, convert: Convert<T>) -> Result<Volume<T>, NiftiProblem> {
    let (header, source) = open(path)?;
    match header.dimensions[..] {
        [_, _, _] => {}
        [_, _, _, 1, components] => return Err(NiftiProblem::Vector { components }),
        _ => return Err(wrong_dimensions("a 3D image", &header)),
    }
    let mut frames = read_frames(&header, source, 1, convert)?;
    frames.pop().ok_or(NiftiProblem::Empty)
}

fn wrong_dimensions(wanted: &'static str, header: &Header) -> NiftiProblem {
    NiftiProblem::WrongDimensions { wanted, dimensions: header.dimensions.clone() }
}

/// Opens a file and reads its header; the source stands behind it.
fn open(path: &Path) -> Result<(Header, Source), NiftiProblem> {
    let mut source = Source::open(path)?;
    let mut nifti1 = [0; parse::NIFTI1_BYTES];
    let found = source.fill(&mut nifti1)?;
    if found == 0 {
        return Err(NiftiProblem::Empty);
    }
    let &[a, b, c, d, ..] = &nifti1;
    let header = match parse::header_kind([a, b, c, d]) {
        _ if found < 4 => return Err(NiftiProblem::NotNifti),
        None => return Err(NiftiProblem::NotNifti),
        Some(_) if found < nifti1.len() => return Err(NiftiProblem::HeaderTruncated { found }),
        Some((parse::NIFTI1_BYTES, byte_order)) => parse::nifti1(&nifti1, byte_order)?,
        Some((_, byte_order)) => {
            let mut nifti2 = [0; parse::NIFTI2_BYTES];
            let (start, rest) = nifti2.split_at_mut(nifti1.len());
            start.copy_from_slice(&nifti1);
            let more = source.fill(rest)?;
            if more < rest.len() {
                return Err(NiftiProblem::HeaderTruncated { found: found + more });
            }
            parse::nifti2(&nifti2, byte_order)?
        }
    };
    Ok((header, source))
}

/// Appends the voxels in some stored bytes, converted.
type Convert<T> = fn(&[u8], &Header, &mut Vec<T>) -> Result<(), Refused>;

/// Reads `frames` consecutive 3D images, after checking that the file can hold them.
fn read_frames<T>(
    header: &Header,
    mut source: Source,
    frames: usize,
    convert: Convert<T>,
) -> Result<Vec<Volume<T>>, NiftiProblem> {
    if frames > MOST_FRAMES {
        return Err(NiftiProblem::Frames { found: frames });
    }
    let geometry = header.geometry();
    let value_bytes = header.datatype.bytes();
    let too_large = || NiftiProblem::TooLarge { dimensions: header.dimensions.clone() };
    let product = |sizes: &[usize]| sizes.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    let voxels = product(&geometry.size).ok_or_else(too_large)?;
    // Counted in both types: what the values become must be addressable as well.
    let largest_bytes = value_bytes.max(size_of::<T>());
    let declared = product(&[voxels, frames, largest_bytes]).ok_or_else(too_large)?;
    let declared = (declared / largest_bytes * value_bytes) as u64;

    source.skip(header.data_offset.saturating_sub(source.position()))?;
    let (available, at_most) = source.most_remaining();
    if declared > available {
        return Err(NiftiProblem::Truncated { declared, available, at_most });
    }
    // Memory grows by doubling as bytes arrive, so that it follows the file and not the header; where the file itself says that
    // all of them are there, it is taken at once.
    let trusted = source.ends_after(header.data_offset.saturating_add(declared));
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut series = Vec::new();
    let mut read = 0_u64;
    for _ in 0..frames {
        let mut values = Vec::new();
        while values.len() < voxels {
            let wanted = (voxels - values.len()).min(CHUNK_BYTES / value_bytes) * value_bytes;
            let found = source.fill(&mut chunk[..wanted])?;
            read += found as u64;
            if found < wanted {
                return Err(NiftiProblem::Truncated { declared, available: read, at_most: false });
            }
            if values.capacity() - values.len() < wanted / value_bytes {
                let left = voxels - values.len();
                let room = if trusted { left } else { (wanted / value_bytes).max(values.len().min(left)) };
                values.try_reserve_exact(room).map_err(|_| NiftiProblem::Memory { bytes: declared })?;
            }
            let first = values.len();
            convert(&chunk[..wanted], header, &mut values).map_err(|refused| refused.at(first, geometry.size))?;
        }
        series.push(Volume::new(geometry, values).map_err(|_| too_large())?);
    }
    source.verify_end()?;
    Ok(series)
}
