//! The types of voxel values that NIfTI knows, and the ones used here.

use super::error::NiftiProblem;

/// Type of the stored voxel values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Datatype {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl Datatype {
    /// The type of a header's `datatype` code.
    pub(super) fn from_code(code: i16) -> Result<Self, NiftiProblem> {
        let unsupported = match code {
            2 => return Ok(Self::U8),
            4 => return Ok(Self::I16),
            8 => return Ok(Self::I32),
            16 => return Ok(Self::F32),
            64 => return Ok(Self::F64),
            256 => return Ok(Self::I8),
            512 => return Ok(Self::U16),
            768 => return Ok(Self::U32),
            1024 => return Ok(Self::I64),
            1280 => return Ok(Self::U64),
            1 => "bool (1 bit)",
            32 => "complex64",
            128 => "RGB",
            1536 => "float128",
            1792 => "complex128",
            2048 => "complex256",
            2304 => "RGBA",
            _ => return Err(NiftiProblem::Datatype { name: format!("code {code}") }),
        };
        Err(NiftiProblem::Datatype { name: unsupported.to_owned() })
    }

    /// The `datatype` code.
    pub(super) fn code(self) -> i16 {
        match self {
            Self::U8 => 2,
            Self::I16 => 4,
            Self::I32 => 8,
            Self::F32 => 16,
            Self::F64 => 64,
            Self::I8 => 256,
            Self::U16 => 512,
            Self::U32 => 768,
            Self::I64 => 1024,
            Self::U64 => 1280,
        }
    }

    /// Bytes per value.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether values are whole numbers.
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }
}

/// A type of voxel that can be written.
pub trait Voxel: Copy + Send + Sync + 'static {
    /// How it is declared in the header.
    const DATATYPE: Datatype;

    /// Appends the little-endian bytes of all values.
    fn append_bytes(values: &[Self], bytes: &mut Vec<u8>);
}

macro_rules! voxel {
    ($($value:ty => $datatype:ident),*) => {$(
        impl Voxel for $value {
            const DATATYPE: Datatype = Datatype::$datatype;

            fn append_bytes(values: &[Self], bytes: &mut Vec<u8>) {
                let begin = bytes.len();
                bytes.resize(begin + size_of_val(values), 0);
                let (slots, _) = bytes[begin..].as_chunks_mut();
                // A copy on little-endian machines, which an iterator over single bytes would not become.
                for (slot, value) in slots.iter_mut().zip(values) {
                    *slot = value.to_le_bytes();
                }
            }
        }
    )*};
}

voxel!(u8 => U8, i8 => I8, u16 => U16, i16 => I16, u32 => U32, i32 => I32, u64 => U64, i64 => I64, f32 => F32, f64 => F64);

/// A type of whole numbers as which an image can be read without going through floats: up to 32 bits, all of which an `f64`
/// holds exactly.
pub trait Integer: Voxel + PartialEq {
    /// The smallest and the largest value.
    const RANGE: [i64; 2];

    /// The value, cut to the type.
    fn cut(value: i64) -> Self;

    /// Appends the values that the bytes of this very type stand for.
    fn extend_from(bytes: &[u8], big_endian: bool, values: &mut Vec<Self>);
}

macro_rules! integer {
    ($($value:ty),*) => {$(
        impl Integer for $value {
            const RANGE: [i64; 2] = [<$value>::MIN as i64, <$value>::MAX as i64];

            fn cut(value: i64) -> Self {
                value as Self
            }

            fn extend_from(bytes: &[u8], big_endian: bool, values: &mut Vec<Self>) {
                let (stored, _) = bytes.as_chunks();
                if big_endian {
                    values.extend(stored.iter().map(|&value| Self::from_be_bytes(value)));
                } else {
                    values.extend(stored.iter().map(|&value| Self::from_le_bytes(value)));
                }
            }
        }
    )*};
}

integer!(u8, i8, u16, i16, u32, i32);
