//! Writing arrays.

use super::error::{NpyError, NpyProblem};
use super::value::Element;
use crate::atomic;
use std::io::Write;
use std::path::Path;

/// NumPy aligns the elements to this many bytes.
const ALIGNMENT: usize = 64;
/// Elements are converted in pieces of this many.
const CHUNK_ELEMENTS: usize = 1 << 16;

/// Writes an array in C order (last axis fastest), format 1.0, little-endian, with the bytes NumPy would write. The file appears
/// complete or not at all.
///
/// # Errors
/// Shape and number of values disagree, or what the system reports.
pub fn write<T: Element>(path: &Path, shape: &[usize], values: &[T]) -> Result<(), NpyError> {
    let write = || {
        let elements = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        if elements != Some(values.len()) {
            return Err(NpyProblem::Shape { shape: shape.to_vec(), values: values.len() });
        }
        let header = header::<T>(shape)?;
        let result = atomic::replace(path, |output| {
            output.write_all(&header)?;
            let mut bytes = Vec::with_capacity(CHUNK_ELEMENTS * size_of::<T>());
            for chunk in values.chunks(CHUNK_ELEMENTS) {
                bytes.clear();
                T::append_bytes(chunk, &mut bytes);
                output.write_all(&bytes)?;
            }
            Ok(())
        });
        result.map_err(|error| NpyProblem::System { action: "write", error })
    };
    write().map_err(|problem| problem.at(path))
}

fn header<T: Element>(shape: &[usize]) -> Result<Vec<u8>, NpyProblem> {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // A tuple of one needs its comma.
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text =
        format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{comma}), }}", T::DESCR, sizes.join(", "));
    let prefix = 10;
    let length = (prefix + text.len() + 1).next_multiple_of(ALIGNMENT) - prefix;
    let too_long = |_| NpyProblem::TooLarge { shape: shape.to_vec() };
    let length_field = u16::try_from(length).map_err(too_long)?;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    text.push('\n');
    Ok([b"\x93NUMPY\x01\x00".as_slice(), &length_field.to_le_bytes(), text.as_bytes()].concat())
}
