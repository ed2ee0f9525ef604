//! From the bytes of a header to a checked [`Header`].

use super::datatype::Datatype;
use super::error::NiftiProblem;
use super::header::{ByteOrder, Header};
use super::placement::{self, Stored};

/// Length of a NIfTI-1 header.
pub(super) const NIFTI1_BYTES: usize = 348;
/// Length of a NIfTI-2 header.
pub(super) const NIFTI2_BYTES: usize = 540;

/// Length of the header that begins with these four bytes, and its byte order.
pub(super) fn header_kind(first: [u8; 4]) -> Option<(usize, ByteOrder)> {
    [NIFTI1_BYTES, NIFTI2_BYTES].into_iter().find_map(|length| {
        let length_bytes = u32::try_from(length).ok()?;
        match first {
            bytes if bytes == length_bytes.to_le_bytes() => Some((length, ByteOrder::Little)),
            bytes if bytes == length_bytes.to_be_bytes() => Some((length, ByteOrder::Big)),
            _ => None,
        }
    })
}

/// Reads a NIfTI-1 header (348 bytes). Field offsets are those of `nifti1.h`.
pub(super) fn nifti1(bytes: &[u8; NIFTI1_BYTES], byte_order: ByteOrder) -> Result<Header, NiftiProblem> {
    check_magic(&bytes[344..348], b"n+1\0")?;
    let field = Fields { bytes, byte_order };
    let row = |at: usize| [0, 4, 8, 12].map(|offset| f64::from(field.f32(at + offset)));
    let stored = Stored {
        pixdim: [0, 1, 2, 3].map(|axis| f64::from(field.f32(76 + 4 * axis))),
        units: bytes[123],
        qform_code: i32::from(field.i16(252)),
        sform_code: i32::from(field.i16(254)),
        quaternion: [256, 260, 264].map(|at| f64::from(field.f32(at))),
        qoffset: [268, 272, 276].map(|at| f64::from(field.f32(at))),
        sform: [row(280), row(296), row(312)],
    };
    let dim: [i64; 8] = std::array::from_fn(|i| i64::from(field.i16(40 + 2 * i)));
    let offset = f64::from(field.f32(108));
    let scaling = [f64::from(field.f32(112)), f64::from(field.f32(116))];
    header(NIFTI1_BYTES, byte_order, dim, field.i16(70), offset, scaling, &stored)
}

/// Reads a NIfTI-2 header (540 bytes). Field offsets are those of `nifti2.h`.
pub(super) fn nifti2(bytes: &[u8; NIFTI2_BYTES], byte_order: ByteOrder) -> Result<Header, NiftiProblem> {
    check_magic(&bytes[4..12], b"n+2\0\r\n\x1a\n")?;
    let field = Fields { bytes, byte_order };
    let row = |at: usize| [0, 8, 16, 24].map(|offset| field.f64(at + offset));
    let stored = Stored {
        pixdim: [0, 1, 2, 3].map(|axis| field.f64(104 + 8 * axis)),
        units: (field.i32(500) & 0xff) as u8,
        qform_code: field.i32(344),
        sform_code: field.i32(348),
        quaternion: [352, 360, 368].map(|at| field.f64(at)),
        qoffset: [376, 384, 392].map(|at| field.f64(at)),
        sform: [row(400), row(432), row(464)],
    };
    let dim: [i64; 8] = std::array::from_fn(|i| field.i64(16 + 8 * i));
    let offset = field.i64(168) as f64;
    header(NIFTI2_BYTES, byte_order, dim, field.i16(12), offset, [field.f64(176), field.f64(184)], &stored)
}

fn check_magic(found: &[u8], wanted: &[u8]) -> Result<(), NiftiProblem> {
    if found == wanted {
        return Ok(());
    }
    let text = found.iter().take(3).take_while(|&&byte| byte != 0);
    Err(NiftiProblem::Magic { found: text.map(|&byte| char::from(byte)).collect() })
}

fn header(
    header_bytes: usize,
    byte_order: ByteOrder,
    dim: [i64; 8],
    datatype: i16,
    offset: f64,
    scaling: [f64; 2],
    stored: &Stored,
) -> Result<Header, NiftiProblem> {
    let dimensions = dimensions(dim)?;
    let datatype = Datatype::from_code(datatype)?;
    // Offsets are exact in f64 up to 2^53, far beyond any file. Smaller than the header means: directly after it.
    if !(0.0..=9e15).contains(&offset) {
        return Err(NiftiProblem::DataOffset { found: offset });
    }
    let data_offset = (offset as u64).max(header_bytes as u64);
    let [slope, intercept] = scaling;
    let scaling = match (slope, intercept) {
        (slope, intercept) if !slope.is_finite() || !intercept.is_finite() => None,
        (slope, intercept) if (slope == 0.0 || slope == 1.0) && intercept == 0.0 => None,
        (0.0, intercept) => Some((1.0, intercept)),
        scaling => Some(scaling),
    };
    let placement = placement::decode(stored)?;
    Ok(Header {
        dimensions,
        spacing: placement.spacing,
        origin: placement.origin,
        direction: placement.direction,
        datatype,
        scaling,
        byte_order,
        data_offset,
    })
}

/// The sizes that `dim` declares, at least 1 each, without trailing ones beyond the third.
fn dimensions(dim: [i64; 8]) -> Result<Vec<usize>, NiftiProblem> {
    let count = match usize::try_from(dim[0]) {
        Ok(count @ 1..=7) => count,
        _ => return Err(NiftiProblem::DimensionCount { found: dim[0] }),
    };
    let mut dimensions = Vec::with_capacity(count);
    for (axis, &found) in dim.iter().enumerate().skip(1).take(count) {
        match usize::try_from(found) {
            Ok(size @ 1..) => dimensions.push(size),
            _ => return Err(NiftiProblem::Dimension { axis, found }),
        }
    }
    while dimensions.len() > 3 && dimensions.last() == Some(&1) {
        dimensions.pop();
    }
    Ok(dimensions)
}

/// Numbers at fixed offsets of a header. All offsets are constants of the format below the header's length.
struct Fields<'a> {
    bytes: &'a [u8],
    byte_order: ByteOrder,
}

impl Fields<'_> {
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.bytes[at..at + N]);
        if self.byte_order == ByteOrder::Big {
            bytes.reverse();
        }
        bytes
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.array(at))
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.array(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.array(at))
    }

    fn f32(&self, at: usize) -> f32 {
        f32::from_le_bytes(self.array(at))
    }

    fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.array(at))
    }
}
