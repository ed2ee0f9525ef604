//! From the bytes of stored voxels to the values that a caller wants.

use super::datatype::{Datatype, Integer};
use super::error::NiftiProblem;
use super::header::{ByteOrder, Header};

/// A voxel that the wanted type cannot hold.
pub(super) struct Refused {
    /// Its position among the converted ones.
    position: usize,
    value: f32,
    range: [i64; 2],
}

impl Refused {
    /// Says which voxel of an image it was, if `first` is the position of the first converted one.
    pub(super) fn at(self, first: usize, size: [usize; 3]) -> NiftiProblem {
        let [nx, ny, _] = size;
        let position = first + self.position;
        let index = [position % nx, position / nx % ny, position / nx / ny];
        let [least, most] = self.range;
        NiftiProblem::NotInteger { index, value: self.value, least, most }
    }
}

/// Calls a macro with the type of the stored values.
macro_rules! with_stored_type {
    ($datatype:expr, $action:ident) => {
        match $datatype {
            Datatype::U8 => $action!(u8),
            Datatype::I8 => $action!(i8),
            Datatype::U16 => $action!(u16),
            Datatype::I16 => $action!(i16),
            Datatype::U32 => $action!(u32),
            Datatype::I32 => $action!(i32),
            Datatype::U64 => $action!(u64),
            Datatype::I64 => $action!(i64),
            Datatype::F32 => $action!(f32),
            Datatype::F64 => $action!(f64),
        }
    };
}

/// A stored value with slope and intercept applied, rounded once.
fn scaled(stored: f64, (slope, intercept): (f64, f64)) -> f32 {
    (slope * stored + intercept) as f32
}

/// Appends the values as `f32`.
pub(super) fn to_f32(bytes: &[u8], header: &Header, values: &mut Vec<f32>) -> Result<(), Refused> {
    macro_rules! append {
        ($stored:ty) => {{
            let stored = bytes.as_chunks().0.iter();
            match (header.scaling, header.byte_order) {
                (Some(scaling), ByteOrder::Little) => {
                    values.extend(stored.map(|&value| scaled(<$stored>::from_le_bytes(value) as f64, scaling)));
                }
                (Some(scaling), ByteOrder::Big) => {
                    values.extend(stored.map(|&value| scaled(<$stored>::from_be_bytes(value) as f64, scaling)));
                }
                (None, ByteOrder::Little) => {
                    values.extend(stored.map(|&value| <$stored>::from_le_bytes(value) as f32));
                }
                (None, ByteOrder::Big) => {
                    values.extend(stored.map(|&value| <$stored>::from_be_bytes(value) as f32));
                }
            }
        }};
    }
    with_stored_type!(header.datatype, append);
    Ok(())
}

/// Appends the values as whole numbers, which they have to be.
pub(super) fn to_integers<T: Integer>(bytes: &[u8], header: &Header, values: &mut Vec<T>) -> Result<(), Refused> {
    let big_endian = header.byte_order == ByteOrder::Big;
    if header.datatype == T::DATATYPE && header.scaling.is_none() {
        T::extend_from(bytes, big_endian, values);
        return Ok(());
    }
    macro_rules! append {
        ($stored:ty) => {{
            let stored = bytes.as_chunks().0;
            match (header.scaling, header.byte_order) {
                (Some(scaling), ByteOrder::Little) => {
                    append_whole(stored, values, |value| scaled(<$stored>::from_le_bytes(value) as f64, scaling))
                }
                (Some(scaling), ByteOrder::Big) => {
                    append_whole(stored, values, |value| scaled(<$stored>::from_be_bytes(value) as f64, scaling))
                }
                (None, ByteOrder::Little) => append_whole(stored, values, <$stored>::from_le_bytes),
                (None, ByteOrder::Big) => append_whole(stored, values, <$stored>::from_be_bytes),
            }
        }};
    }
    with_stored_type!(header.datatype, append)
}

fn append_whole<const BYTES: usize, S: Stored, T: Integer>(
    stored: &[[u8; BYTES]],
    values: &mut Vec<T>,
    decode: impl Fn([u8; BYTES]) -> S,
) -> Result<(), Refused> {
    let [least, most] = T::RANGE;
    let fits = |value: S| (least..=most).contains(&value.whole());
    // All first, without a branch for each: that is several times faster than to stop at the first that does not fit.
    if !stored.iter().fold(true, |all, &value| all & fits(decode(value))) {
        let refused = stored.iter().map(|&value| decode(value)).enumerate().find(|&(_, value)| !fits(value));
        if let Some((position, value)) = refused {
            return Err(Refused { position, value: value.rounded(), range: T::RANGE });
        }
    }
    values.extend(stored.iter().map(|&value| T::cut(decode(value).whole())));
    Ok(())
}

/// A stored value, seen as a whole number.
trait Stored: Copy {
    /// The value if it is whole and fits; otherwise one that no type of up to 32 bits holds.
    fn whole(self) -> i64;

    /// The value as messages show it.
    fn rounded(self) -> f32;
}

macro_rules! stored {
    ($($value:ty => $whole:expr),* $(,)?) => {$(
        impl Stored for $value {
            fn whole(self) -> i64 {
                let whole: fn(Self) -> i64 = $whole;
                whole(self)
            }

            fn rounded(self) -> f32 {
                self as f32
            }
        }
    )*};
}

stored!(
    u8 => i64::from,
    i8 => i64::from,
    u16 => i64::from,
    i16 => i64::from,
    u32 => i64::from,
    i32 => i64::from,
    i64 => |value| value,
    u64 => |value| i64::try_from(value).unwrap_or(i64::MAX),
    f32 => |value| if (value as i64) as f32 == value { value as i64 } else { i64::MAX },
    f64 => |value| if (value as i64) as f64 == value { value as i64 } else { i64::MAX },
);
