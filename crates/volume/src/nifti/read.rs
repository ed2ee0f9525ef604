//! Reading NIfTI files.

use super::datatype::Datatype;
use super::error::{NiftiError, NiftiProblem};
use super::header::{ByteOrder, Header};
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
    let read = || {
        let (header, source) = open(path)?;
        match header.dimensions[..] {
            [_, _, _] => {}
            [_, _, _, 1, components] => return Err(NiftiProblem::Vector { components }),
            _ => return Err(wrong_dimensions("a 3D image", &header)),
        }
        let mut frames = read_frames(&header, source, 1)?;
        frames.pop().ok_or(NiftiProblem::Empty)
    };
    read().map_err(|problem| problem.at(path))
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
        read_frames(&header, source, frames)
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
        read_frames(&header, source, components)
    };
    read().map_err(|problem| problem.at(path))
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

/// Reads `frames` consecutive 3D images, after checking that the file can hold them.
fn read_frames(header: &Header, mut source: Source, frames: usize) -> Result<Vec<Volume<f32>>, NiftiProblem> {
    if frames > MOST_FRAMES {
        return Err(NiftiProblem::Frames { found: frames });
    }
    let geometry = header.geometry();
    let value_bytes = header.datatype.bytes();
    let too_large = || NiftiProblem::TooLarge { dimensions: header.dimensions.clone() };
    let product = |sizes: &[usize]| sizes.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    let voxels = product(&geometry.size).ok_or_else(too_large)?;
    // Counted as f32 too: what the values become must be addressable as well.
    let declared = product(&[voxels, frames, value_bytes.max(size_of::<f32>())]).ok_or_else(too_large)?;
    let declared = (declared / value_bytes.max(size_of::<f32>()) * value_bytes) as u64;

    source.skip(header.data_offset.saturating_sub(source.position()))?;
    let (available, at_most) = source.most_remaining();
    if declared > available {
        return Err(NiftiProblem::Truncated { declared, available, at_most });
    }
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
            // Grows by doubling as bytes arrive, so that memory follows the file and not the header; never beyond the header.
            values
                .try_reserve_exact((wanted / value_bytes).max(values.len().min(voxels - values.len())))
                .map_err(|_| NiftiProblem::Memory { bytes: declared })?;
            append_values(&chunk[..wanted], header, &mut values);
        }
        series.push(Volume::new(geometry, values).map_err(|_| too_large())?);
    }
    source.verify_end()?;
    Ok(series)
}

/// Converts stored values: `slope·v + intercept` in f64, rounded to f32 once.
fn append_values(bytes: &[u8], header: &Header, values: &mut Vec<f32>) {
    macro_rules! append {
        ($value:ty) => {{
            let (stored, _) = bytes.as_chunks::<{ size_of::<$value>() }>();
            let decode = match header.byte_order {
                ByteOrder::Little => <$value>::from_le_bytes,
                ByteOrder::Big => <$value>::from_be_bytes,
            };
            match (header.scaling, header.byte_order) {
                (Some((slope, intercept)), _) => {
                    values.extend(stored.iter().map(|&value| (slope * decode(value) as f64 + intercept) as f32));
                }
                (None, ByteOrder::Little) => {
                    values.extend(stored.iter().map(|&value| <$value>::from_le_bytes(value) as f32));
                }
                (None, ByteOrder::Big) => {
                    values.extend(stored.iter().map(|&value| <$value>::from_be_bytes(value) as f32));
                }
            }
        }};
    }
    match header.datatype {
        Datatype::U8 => append!(u8),
        Datatype::I8 => append!(i8),
        Datatype::U16 => append!(u16),
        Datatype::I16 => append!(i16),
        Datatype::U32 => append!(u32),
        Datatype::I32 => append!(i32),
        Datatype::U64 => append!(u64),
        Datatype::I64 => append!(i64),
        Datatype::F32 => append!(f32),
        Datatype::F64 => append!(f64),
    }
}
