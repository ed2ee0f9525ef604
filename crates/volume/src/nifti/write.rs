//! Writing NIfTI-1 files.

use super::datatype::{Datatype, Voxel};
use super::encode;
use super::error::{NiftiError, NiftiProblem};
use super::gzip;
use super::values::{Converted, Values};
use crate::atomic;
use crate::geometry::Geometry;
use crate::volume::Volume;
use std::io::Write;
use std::path::Path;

/// Voxels go into uncompressed files in pieces of this many.
const PIECE_VOXELS: usize = 1 << 16;

/// Writes a 3D image: `.nii.gz` compressed, `.nii` not. The same image gives the same bytes. The file appears complete or
/// not at all.
///
/// # Errors
/// Another extension, a size that the format cannot store, or what the system reports.
pub fn write<T: Voxel>(path: &Path, volume: &Volume<T>) -> Result<(), NiftiError> {
    write_values(path, volume.geometry(), T::DATATYPE, &volume.voxels()).map_err(|problem| problem.at(path))
}

/// The bytes that [`write()`] puts into a `.nii` file.
///
/// # Errors
/// A size that the format cannot store.
pub fn to_bytes<T: Voxel>(volume: &Volume<T>) -> Result<Vec<u8>, NiftiProblem> {
    let mut bytes = encode::header(volume.geometry(), T::DATATYPE, None)?.to_vec();
    bytes.reserve_exact(size_of_val(volume.voxels()));
    T::append_bytes(volume.voxels(), &mut bytes);
    Ok(bytes)
}

/// Writes a 3D image as another type of voxel. Values are rounded to the nearest whole number (half to even) for integer
/// types and limited to what the type can hold.
///
/// # Errors
/// As [`write()`].
pub fn write_as(path: &Path, volume: &Volume<f32>, datatype: Datatype) -> Result<(), NiftiError> {
    macro_rules! converted {
        ($convert:expr) => {{
            let values = Converted { source: volume.voxels(), convert: $convert };
            write_values(path, volume.geometry(), datatype, &values)
        }};
    }
    // `as` limits to the range of the type, and makes NaN 0.
    let result = match datatype {
        Datatype::U8 => converted!(|value: f32| rounded(value) as u8),
        Datatype::I8 => converted!(|value: f32| rounded(value) as i8),
        Datatype::U16 => converted!(|value: f32| rounded(value) as u16),
        Datatype::I16 => converted!(|value: f32| rounded(value) as i16),
        Datatype::U32 => converted!(|value: f32| rounded(value) as u32),
        Datatype::I32 => converted!(|value: f32| rounded(value) as i32),
        Datatype::U64 => converted!(|value: f32| rounded(value) as u64),
        Datatype::I64 => converted!(|value: f32| rounded(value) as i64),
        Datatype::F32 => return write(path, volume),
        Datatype::F64 => converted!(|value: f32| f64::from(value)),
    };
    result.map_err(|problem| problem.at(path))
}

/// [`f32::round_ties_even`], several times faster: that is a call of a function on processors of the oldest kind, for which
/// programs are compiled.
fn rounded(value: f32) -> f32 {
    /// From here on, all values are whole, and adding this leaves no room for a fraction.
    const WHOLE: f32 = (1 << 23) as f32;
    let size = value.abs();
    if size < WHOLE { ((size + WHOLE) - WHOLE).copysign(value) } else { value }
}

/// Writes a vector image with one value per component and voxel (`dim = [5, X, Y, Z, 1, K]`, intent 1007): class
/// probabilities. The component is the slowest axis in the file.
///
/// # Errors
/// As [`write()`]; further: no component, or components of different sizes.
pub fn write_vector(path: &Path, components: &[Volume<f32>]) -> Result<(), NiftiError> {
    match components {
        [first, more @ ..] if more.iter().all(|component| component.size() == first.size()) => {
            write_vector_with(path, first.geometry(), components.len(), |at| Ok(components[at].voxels()))
        }
        _ => Err(NiftiProblem::Components.at(path)),
    }
}

/// As [`write_vector`], with the components one after another from a function, so that only one has to be in memory.
///
/// # Errors
/// As [`write_vector`], and what the function reports.
pub fn write_vector_with<V: AsRef<[f32]>>(
    path: &Path,
    geometry: &Geometry,
    count: usize,
    mut component: impl FnMut(usize) -> std::io::Result<V>,
) -> Result<(), NiftiError> {
    let mut write = || {
        if count == 0 {
            return Err(NiftiProblem::Components);
        }
        let header = encode::header(geometry, Datatype::F32, Some(count))?;
        let mut fits = true;
        let result = replace(path, |output| {
            output.header(&header)?;
            for at in 0..count {
                let component = component(at)?;
                fits &= component.as_ref().len() == geometry.voxel_count();
                if !fits {
                    return Err(std::io::ErrorKind::InvalidInput.into());
                }
                output.values(&component.as_ref(), at + 1 == count)?;
            }
            Ok(())
        });
        if fits { result } else { Err(NiftiProblem::Components) }
    };
    write().map_err(|problem| problem.at(path))
}

fn write_values(path: &Path, geometry: &Geometry, datatype: Datatype, values: &dyn Values) -> Result<(), NiftiProblem> {
    let header = encode::header(geometry, datatype, None)?;
    replace(path, |output| {
        output.header(&header)?;
        output.values(values, true)
    })
}

/// Where the parts of a file go.
enum Output<'a> {
    Plain(&'a mut dyn Write),
    Compressed(gzip::Writer<'a>),
}

impl Output<'_> {
    fn header(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(output) => output.write_all(bytes),
            Self::Compressed(output) => {
                output.header(bytes);
                Ok(())
            }
        }
    }

    fn values(&mut self, values: &dyn Values, are_last: bool) -> std::io::Result<()> {
        match self {
            Self::Plain(output) => {
                let mut bytes = Vec::new();
                for begin in (0..values.count()).step_by(PIECE_VOXELS) {
                    bytes.clear();
                    values.append_bytes(begin..values.count().min(begin + PIECE_VOXELS), &mut bytes);
                    output.write_all(&bytes)?;
                }
                Ok(())
            }
            Self::Compressed(output) => output.values(values, are_last),
        }
    }
}

/// Replaces the file by what `write` produces, compressed if its name says so.
fn replace(path: &Path, write: impl FnOnce(&mut Output<'_>) -> std::io::Result<()>) -> Result<(), NiftiProblem> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let result = if name.ends_with(".nii.gz") {
        atomic::replace(path, |file| {
            let mut output = Output::Compressed(gzip::Writer::new(file)?);
            write(&mut output)?;
            match output {
                Output::Compressed(output) => output.finish(),
                Output::Plain(_) => Ok(()),
            }
        })
    } else if name.ends_with(".nii") {
        atomic::replace(path, |file| write(&mut Output::Plain(file)))
    } else {
        return Err(NiftiProblem::Extension);
    };
    result.map_err(|error| NiftiProblem::System { action: "write", error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_the_standard_library() {
        let step = 0.25_f32;
        let near = (-4000..4000).map(|i| i as f32 * step);
        let bits = (0..u32::MAX).step_by(65_521).map(f32::from_bits);
        for value in near.chain(bits) {
            let expected = value.round_ties_even();
            assert!(rounded(value).to_bits() == expected.to_bits() || value.is_nan(), "{value}");
        }
    }
}
