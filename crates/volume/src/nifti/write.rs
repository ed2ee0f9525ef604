//! Writing NIfTI-1 files.

use super::datatype::{Datatype, Voxel};
use super::encode;
use super::error::{NiftiError, NiftiProblem};
use super::gzip;
use crate::atomic;
use crate::geometry::Geometry;
use crate::volume::Volume;
use std::io::Write;
use std::path::Path;

/// Writes a 3D image: `.nii.gz` compressed, `.nii` not. The same image gives the same bytes. The file appears complete or
/// not at all.
///
/// # Errors
/// Another extension, a size that the format cannot store, or what the system reports.
pub fn write<T: Voxel>(path: &Path, volume: &Volume<T>) -> Result<(), NiftiError> {
    to_bytes(volume).and_then(|bytes| replace(path, &bytes)).map_err(|problem| problem.at(path))
}

/// The bytes that [`write`] puts into a `.nii` file.
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
/// As [`write`].
pub fn write_as(path: &Path, volume: &Volume<f32>, datatype: Datatype) -> Result<(), NiftiError> {
    macro_rules! integers {
        ($value:ty) => {
            // `as` limits to the range of the type, and makes NaN 0.
            write(path, &volume.map(|value| value.round_ties_even() as $value))
        };
    }
    match datatype {
        Datatype::U8 => integers!(u8),
        Datatype::I8 => integers!(i8),
        Datatype::U16 => integers!(u16),
        Datatype::I16 => integers!(i16),
        Datatype::U32 => integers!(u32),
        Datatype::I32 => integers!(i32),
        Datatype::U64 => integers!(u64),
        Datatype::I64 => integers!(i64),
        Datatype::F32 => write(path, volume),
        Datatype::F64 => write(path, &volume.map(|&value| f64::from(value))),
    }
}

/// Writes a vector image with one value per component and voxel (`dim = [5, X, Y, Z, 1, K]`, intent 1007): class
/// probabilities. The component is the slowest axis in the file.
///
/// # Errors
/// As [`write`]; further: no component, or components of different sizes.
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
        let result = replace_with(path, |output| {
            output.write_all(&header)?;
            for at in 0..count {
                let component = component(at)?;
                fits &= component.as_ref().len() == geometry.voxel_count();
                if !fits {
                    return Err(std::io::ErrorKind::InvalidInput.into());
                }
                let mut bytes = Vec::with_capacity(size_of_val(component.as_ref()));
                f32::append_bytes(component.as_ref(), &mut bytes);
                output.write_all(&bytes)?;
            }
            Ok(())
        });
        if fits { result } else { Err(NiftiProblem::Components) }
    };
    write().map_err(|problem| problem.at(path))
}

/// Replaces the file by `content`, compressed if its name says so.
fn replace(path: &Path, content: &[u8]) -> Result<(), NiftiProblem> {
    replace_with(path, |output| output.write_all(content))
}

/// Replaces the file by what `write` produces, compressed if its name says so.
fn replace_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), NiftiProblem> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let result = if name.ends_with(".nii.gz") {
        atomic::replace(path, |output| {
            let mut compressed = gzip::Writer::new(output)?;
            write(&mut compressed)?;
            compressed.finish()
        })
    } else if name.ends_with(".nii") {
        atomic::replace(path, |output| write(output))
    } else {
        return Err(NiftiProblem::Extension);
    };
    result.map_err(|error| NiftiProblem::System { action: "write", error })
}
