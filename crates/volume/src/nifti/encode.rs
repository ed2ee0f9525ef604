//! The bytes of a NIfTI-1 header.

use super::datatype::Datatype;
use super::error::NiftiProblem;
use super::placement;
use crate::geometry::Geometry;

/// Where voxels start: header and four bytes that say "no extension".
pub(super) const DATA_OFFSET: usize = 352;
/// `NIFTI_INTENT_VECTOR`.
const INTENT_VECTOR: i16 = 1007;
/// Millimetres and seconds.
const UNITS: u8 = 2 + 8;

/// Header of a 3D image of scalars, or of a vector image with `components` values per voxel.
pub(super) fn header(
    geometry: &Geometry,
    datatype: Datatype,
    components: Option<usize>,
) -> Result<[u8; DATA_OFFSET], NiftiProblem> {
    let sizes = match components {
        None => geometry.size.to_vec(),
        Some(components) => [&geometry.size[..], &[1, components]].concat(),
    };
    let mut dim = [1_i16; 8];
    dim[0] = if components.is_some() { 5 } else { 3 };
    for (slot, &size) in dim[1..].iter_mut().zip(&sizes) {
        match i16::try_from(size) {
            Ok(size @ 1..) => *slot = size,
            _ => return Err(NiftiProblem::Unwritable { size: sizes.clone() }),
        }
    }
    let placed = placement::encode(geometry);
    let [sx, sy, sz] = geometry.spacing;

    let mut bytes = [0_u8; DATA_OFFSET];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, &348_i32.to_le_bytes());
    put(38, b"r"); // Analyze's "regular", which old readers insist on
    for (i, size) in dim.iter().enumerate() {
        put(40 + 2 * i, &size.to_le_bytes());
    }
    if components.is_some() {
        put(68, &INTENT_VECTOR.to_le_bytes());
    }
    put(70, &datatype.code().to_le_bytes());
    put(72, &((datatype.bytes() * 8) as i16).to_le_bytes());
    let mut put_f32 = |at: usize, value: f64| put(at, &(value as f32).to_le_bytes());
    for (i, length) in [placed.qfac, sx, sy, sz].into_iter().enumerate() {
        put_f32(76 + 4 * i, length);
    }
    put_f32(108, DATA_OFFSET as f64);
    put_f32(112, 1.0); // slope; the intercept stays 0
    for i in 0..3 {
        put_f32(256 + 4 * i, placed.quaternion[i]);
        put_f32(268 + 4 * i, placed.offset[i]);
        for column in 0..4 {
            put_f32(280 + 16 * i + 4 * column, placed.sform[i][column]);
        }
    }
    put(123, &[UNITS]);
    put(252, &1_i16.to_le_bytes());
    put(254, &1_i16.to_le_bytes());
    put(344, b"n+1\0");
    Ok(bytes)
}
