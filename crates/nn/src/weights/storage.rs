//! Raw storages: their element types, and the strided views that tensors are of them.

use super::tensor::Narrow;
use super::{TensorData, WeightsError};
use std::io::{self, Write};

/// Element type of a storage; all are little-endian in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementKind {
    F32,
    F64,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl ElementKind {
    /// The type behind a storage class of Python's module `torch`.
    pub(super) fn of_class(class: &str) -> Option<Self> {
        Some(match class {
            "FloatStorage" => Self::F32,
            "DoubleStorage" => Self::F64,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::BF16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            "ByteStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// Bytes of one element in a file.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether its elements are widened when read.
    pub(super) fn narrow(self) -> Option<Narrow> {
        match self {
            Self::F16 => Some(Narrow::F16),
            Self::BF16 => Some(Narrow::BF16),
            _ => None,
        }
    }

    /// Bytes of one element in memory, where half precision is widened.
    pub(super) fn size_in_memory(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 4,
            other => other.size(),
        }
    }
}

/// Storage class of Python's module `torch` for these values.
pub(super) fn class_of(data: &TensorData) -> &'static str {
    match data {
        TensorData::F32(_) => "FloatStorage",
        TensorData::F64(_) => "DoubleStorage",
        TensorData::I64(_) => "LongStorage",
        TensorData::I32(_) => "IntStorage",
        TensorData::I16(_) => "ShortStorage",
        TensorData::I8(_) => "CharStorage",
        TensorData::U8(_) => "ByteStorage",
        TensorData::Bool(_) => "BoolStorage",
    }
}

/// Which elements of a storage a tensor consists of. Lies within the storage by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
    count: usize,
}

impl View {
    /// Checks that every element of the view exists in a storage of `elements` elements. Strides count elements.
    pub(super) fn new(
        offset: usize,
        shape: Vec<usize>,
        strides: Vec<usize>,
        elements: usize,
    ) -> Result<Self, WeightsError> {
        let impossible = |why: &str| WeightsError::Tensor(format!("shape {shape:?}, strides {strides:?}: {why}"));
        if shape.len() != strides.len() {
            return Err(impossible("one stride per axis is needed"));
        }
        let count = shape
            .iter()
            .try_fold(1usize, |count, size| count.checked_mul(*size))
            .ok_or_else(|| impossible("too many elements"))?;
        if count > 0 {
            let last = shape
                .iter()
                .zip(&strides)
                .try_fold(offset, |last, (size, stride)| last.checked_add((size - 1).checked_mul(*stride)?))
                .ok_or_else(|| impossible("too far apart"))?;
            if last >= elements {
                return Err(impossible(&format!("element {last} of a storage of {elements}")));
            }
        }
        Ok(Self { offset, shape, strides, count })
    }

    /// Number of elements of the tensor.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Sizes of the axes, slowest first.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (size, stride) in self.shape.iter().zip(&self.strides).rev() {
            if *size != 1 && *stride != expected {
                return false;
            }
            expected *= size;
        }
        true
    }

    /// The elements in row-major order. `None` if the storage is shorter than it was said to be.
    fn gather<T, const SIZE: usize>(&self, bytes: &[u8], convert: impl Fn([u8; SIZE]) -> T) -> Option<Vec<T>> {
        let (elements, _) = bytes.as_chunks::<SIZE>();
        if self.count == 0 {
            return Some(vec![]);
        }
        if self.is_contiguous() {
            let range = elements.get(self.offset..self.offset.checked_add(self.count)?)?;
            return Some(range.iter().map(|element| convert(*element)).collect());
        }
        let mut values = Vec::with_capacity(self.count);
        let mut position = vec![0usize; self.shape.len()];
        let mut at = self.offset;
        loop {
            values.push(convert(*elements.get(at)?));
            let mut axis = self.shape.len();
            loop {
                if axis == 0 {
                    return Some(values);
                }
                axis -= 1;
                position[axis] += 1;
                // An axis of length 1 may have any stride; one step beyond it may wrap, and is taken back.
                at = at.wrapping_add(self.strides[axis]);
                if position[axis] < self.shape[axis] {
                    break;
                }
                at = at.wrapping_sub(self.shape[axis].wrapping_mul(self.strides[axis]));
                position[axis] = 0;
            }
        }
    }
}

/// Copies a view out of the bytes of its storage.
pub(super) fn decode(kind: ElementKind, view: &View, bytes: &[u8]) -> Result<TensorData, WeightsError> {
    let data = match kind {
        ElementKind::F32 => view.gather(bytes, f32::from_le_bytes).map(TensorData::F32),
        ElementKind::F64 => view.gather(bytes, f64::from_le_bytes).map(TensorData::F64),
        ElementKind::F16 => view.gather(bytes, |two| half::f16::from_le_bytes(two).to_f32()).map(TensorData::F32),
        ElementKind::BF16 => view.gather(bytes, |two| half::bf16::from_le_bytes(two).to_f32()).map(TensorData::F32),
        ElementKind::I64 => view.gather(bytes, i64::from_le_bytes).map(TensorData::I64),
        ElementKind::I32 => view.gather(bytes, i32::from_le_bytes).map(TensorData::I32),
        ElementKind::I16 => view.gather(bytes, i16::from_le_bytes).map(TensorData::I16),
        ElementKind::I8 => view.gather(bytes, i8::from_le_bytes).map(TensorData::I8),
        ElementKind::U8 => view.gather(bytes, u8::from_le_bytes).map(TensorData::U8),
        ElementKind::Bool => view.gather(bytes, |[byte]| byte != 0).map(TensorData::Bool),
    };
    data.ok_or_else(|| WeightsError::Tensor("its storage is too short".into()))
}

/// Writes all values, row-major and little-endian.
pub(super) fn encode(data: &TensorData, out: &mut impl Write) -> io::Result<()> {
    match data {
        TensorData::F32(values) => scatter(values, out, |value| value.to_le_bytes()),
        TensorData::F64(values) => scatter(values, out, |value| value.to_le_bytes()),
        TensorData::I64(values) => scatter(values, out, |value| value.to_le_bytes()),
        TensorData::I32(values) => scatter(values, out, |value| value.to_le_bytes()),
        TensorData::I16(values) => scatter(values, out, |value| value.to_le_bytes()),
        TensorData::I8(values) => scatter(values, out, |value| value.to_le_bytes()),
        TensorData::U8(values) => scatter(values, out, |value| [value]),
        TensorData::Bool(values) => scatter(values, out, |value| [u8::from(value)]),
    }
}

fn scatter<T: Copy, const SIZE: usize>(
    values: &[T],
    out: &mut impl Write,
    convert: impl Fn(T) -> [u8; SIZE],
) -> io::Result<()> {
    // Blocks of 64 kB keep calls few and the copy in cache.
    let mut block = Vec::with_capacity(65_536);
    for part in values.chunks(65_536 / SIZE) {
        block.clear();
        block.extend(part.iter().flat_map(|value| convert(*value)));
        out.write_all(&block)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_must_lie_in_their_storage() {
        assert!(View::new(0, vec![2, 3], vec![3, 1], 6).is_ok());
        assert!(View::new(1, vec![2, 3], vec![3, 1], 6).is_err());
        assert!(View::new(0, vec![2, 3], vec![usize::MAX, 1], 6).is_err());
        assert!(View::new(0, vec![usize::MAX, 3], vec![0, 0], 6).is_err());
        assert!(View::new(0, vec![2], vec![1, 1], 6).is_err());
        assert!(View::new(usize::MAX, vec![0, 3], vec![3, 1], 0).is_ok());
    }

    #[test]
    fn strided_views_come_out_row_major() {
        let bytes: Vec<u8> = (0..24).collect();
        let view = View::new(0, vec![4, 2, 3], vec![1, 12, 4], 24).unwrap();
        let TensorData::U8(values) = decode(ElementKind::U8, &view, &bytes).unwrap() else { panic!("not bytes") };
        assert_eq!(values[..8], [0, 4, 8, 12, 16, 20, 1, 5]);
        let repeated = View::new(5, vec![3], vec![0], 24).unwrap();
        assert_eq!(decode(ElementKind::U8, &repeated, &bytes).unwrap(), TensorData::U8(vec![5; 3]));
    }

    #[test]
    fn the_stride_of_an_axis_of_length_one_is_arbitrary() {
        let view = View::new(1, vec![1, 2], vec![usize::MAX, 2], 4).unwrap();
        assert_eq!(decode(ElementKind::U8, &view, &[0, 1, 2, 3]).unwrap(), TensorData::U8(vec![1, 3]));
    }

    #[test]
    fn a_storage_shorter_than_declared_is_an_error() {
        let view = View::new(0, vec![4], vec![1], 4).unwrap();
        assert!(decode(ElementKind::F32, &view, &[0; 15]).is_err());
        let view = View::new(0, vec![2, 2], vec![1, 2], 4).unwrap();
        assert!(decode(ElementKind::F32, &view, &[0; 15]).is_err());
    }
}
