//! Converting stored elements to the type that a caller wants, and back to bytes.

use super::error::NpyProblem;
use super::header::{Dtype, Header};

/// A type that arrays can be read as and written from.
pub trait Element: Copy + Default + Send + Sync + 'static {
    /// How NumPy describes it.
    const DESCR: &'static str;

    /// Converts a stored element.
    ///
    /// # Errors
    /// The type cannot hold the value.
    fn from_f64(value: f64) -> Result<Self, NpyProblem>;

    /// Copies little-endian elements of this very type.
    #[doc(hidden)]
    fn extend_from_le(bytes: &[u8], values: &mut Vec<Self>);

    /// Appends the little-endian bytes.
    #[doc(hidden)]
    fn append_bytes(values: &[Self], bytes: &mut Vec<u8>);

    /// The stored type that needs no conversion.
    #[doc(hidden)]
    const DTYPE: Dtype;
}

impl Element for f32 {
    const DESCR: &'static str = "<f4";
    const DTYPE: Dtype = Dtype::F32;

    fn from_f64(value: f64) -> Result<Self, NpyProblem> {
        Ok(value as Self)
    }

    fn extend_from_le(bytes: &[u8], values: &mut Vec<Self>) {
        values.extend(bytes.as_chunks().0.iter().map(|&element| Self::from_le_bytes(element)));
    }

    fn append_bytes(values: &[Self], bytes: &mut Vec<u8>) {
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
}

impl Element for u8 {
    const DESCR: &'static str = "|u1";
    const DTYPE: Dtype = Dtype::U8;

    fn from_f64(value: f64) -> Result<Self, NpyProblem> {
        let converted = value as Self;
        if f64::from(converted) == value { Ok(converted) } else { Err(NpyProblem::Value { found: value }) }
    }

    fn extend_from_le(bytes: &[u8], values: &mut Vec<Self>) {
        values.extend_from_slice(bytes);
    }

    fn append_bytes(values: &[Self], bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(values);
    }
}

/// Appends the elements in `bytes`, converted.
pub(super) fn append<T: Element>(bytes: &[u8], header: &Header, values: &mut Vec<T>) -> Result<(), NpyProblem> {
    if header.dtype == T::DTYPE && !header.big_endian {
        T::extend_from_le(bytes, values);
        return Ok(());
    }
    macro_rules! convert {
        ($stored:ty) => {{
            let decode = if header.big_endian { <$stored>::from_be_bytes } else { <$stored>::from_le_bytes };
            for &element in bytes.as_chunks().0 {
                values.push(T::from_f64(decode(element) as f64)?);
            }
        }};
    }
    match header.dtype {
        Dtype::F32 => convert!(f32),
        Dtype::F64 => convert!(f64),
        Dtype::U8 => convert!(u8),
        Dtype::I8 => convert!(i8),
        Dtype::I16 => convert!(i16),
        Dtype::I32 => convert!(i32),
        Dtype::I64 => convert!(i64),
    }
    Ok(())
}
