//! Voxels on their way into a file, converted piece by piece where and when the bytes are needed.

use super::datatype::Voxel;
use std::ops::Range;

/// Values that have a form as bytes.
pub(super) trait Values: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Bytes of each.
    fn bytes_each(&self) -> usize;

    /// Appends the little-endian bytes of some values, which must exist.
    fn append_bytes(&self, range: Range<usize>, bytes: &mut Vec<u8>);
}

impl<T: Voxel> Values for &[T] {
    fn count(&self) -> usize {
        self.len()
    }

    fn bytes_each(&self) -> usize {
        T::DATATYPE.bytes()
    }

    fn append_bytes(&self, range: Range<usize>, bytes: &mut Vec<u8>) {
        T::append_bytes(&self[range], bytes);
    }
}

/// Values that become another type.
pub(super) struct Converted<'a, S, F> {
    /// What there is.
    pub(super) source: &'a [S],
    /// What it becomes.
    pub(super) convert: F,
}

impl<S: Copy + Sync, T: Voxel, F: Fn(S) -> T + Sync> Values for Converted<'_, S, F> {
    fn count(&self) -> usize {
        self.source.len()
    }

    fn bytes_each(&self) -> usize {
        T::DATATYPE.bytes()
    }

    fn append_bytes(&self, range: Range<usize>, bytes: &mut Vec<u8>) {
        let values: Vec<T> = self.source[range].iter().map(|&value| (self.convert)(value)).collect();
        T::append_bytes(&values, bytes);
    }
}
