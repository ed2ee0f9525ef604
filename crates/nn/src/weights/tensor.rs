//! A tensor as weight files hold it: shape and values, row-major, on no device.

use super::WeightsError;
use std::borrow::Cow;

/// The values of a tensor, in row-major order. Half-precision files are widened to `F32` when read.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// 32-bit floats, which is what the pipeline computes with.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit integers; index buffers.
    I64(Vec<i64>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// 16-bit integers.
    I16(Vec<i16>),
    /// 8-bit integers.
    I8(Vec<i8>),
    /// Bytes.
    U8(Vec<u8>),
    /// Truth values.
    Bool(Vec<bool>),
}

impl TensorData {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// True if there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True for the floating types.
    pub fn is_floating(&self) -> bool {
        matches!(self, Self::F32(_) | Self::F64(_))
    }
}

/// Shape and values; the shape's product is always the number of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
    /// What the values were in the file, where they are wider now.
    narrow: Option<Narrow>,
}

/// Types of files that are widened when read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Narrow {
    F16,
    BF16,
}

impl Tensor {
    /// Joins a shape (slowest axis first; empty for a scalar) and row-major values.
    ///
    /// # Errors
    /// If the product of the shape is not the number of values.
    pub fn new(shape: Vec<usize>, data: TensorData) -> Result<Self, WeightsError> {
        let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
        if count == Some(data.len()) {
            Ok(Self { shape, data, narrow: None })
        } else {
            Err(WeightsError::Tensor(format!("{} values do not fill the shape {shape:?}", data.len())))
        }
    }

    /// A tensor of 32-bit floats; errors as [`Tensor::new`].
    pub fn f32(shape: Vec<usize>, values: Vec<f32>) -> Result<Self, WeightsError> {
        Self::new(shape, TensorData::F32(values))
    }

    /// A tensor without axes, as optimizers use for their step counter.
    pub fn scalar(value: f32) -> Self {
        Self { shape: vec![], data: TensorData::F32(vec![value]), narrow: None }
    }

    /// Notes what the values were in the file.
    pub(super) fn widened_from(self, narrow: Option<Narrow>) -> Self {
        Self { narrow, ..self }
    }

    /// Name of the type in the file that it was read from.
    pub fn stored_type(&self) -> &'static str {
        match (self.narrow, &self.data) {
            (Some(Narrow::F16), _) => "f16",
            (Some(Narrow::BF16), _) => "bf16",
            (None, TensorData::F32(_)) => "f32",
            (None, TensorData::F64(_)) => "f64",
            (None, TensorData::I64(_)) => "i64",
            (None, TensorData::I32(_)) => "i32",
            (None, TensorData::I16(_)) => "i16",
            (None, TensorData::I8(_)) => "i8",
            (None, TensorData::U8(_)) => "u8",
            (None, TensorData::Bool(_)) => "bool",
        }
    }

    /// Sizes of the axes, slowest first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in their own type.
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// Shape and values.
    pub fn into_parts(self) -> (Vec<usize>, TensorData) {
        (self.shape, self.data)
    }

    /// The values as 32-bit floats, rounded to nearest where they are wider.
    pub fn to_f32(&self) -> Cow<'_, [f32]> {
        match &self.data {
            TensorData::F32(values) => Cow::Borrowed(values),
            TensorData::F64(values) => values.iter().map(|value| *value as f32).collect(),
            TensorData::I64(values) => values.iter().map(|value| *value as f32).collect(),
            TensorData::I32(values) => values.iter().map(|value| *value as f32).collect(),
            TensorData::I16(values) => values.iter().map(|value| f32::from(*value)).collect(),
            TensorData::I8(values) => values.iter().map(|value| f32::from(*value)).collect(),
            TensorData::U8(values) => values.iter().map(|value| f32::from(*value)).collect(),
            TensorData::Bool(values) => values.iter().map(|value| f32::from(u8::from(*value))).collect(),
        }
    }

    /// The values as integers. Averaged weight files hold index buffers as floats, so whole floats are accepted.
    ///
    /// # Errors
    /// If a value is not a whole number.
    pub fn to_i64(&self) -> Result<Vec<i64>, WeightsError> {
        let whole = |value: f64| {
            // 2^53: beyond it a float no longer names one integer.
            if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
                Ok(value as i64)
            } else {
                Err(WeightsError::Tensor(format!("{value} in a tensor of integers")))
            }
        };
        match &self.data {
            TensorData::F32(values) => values.iter().map(|value| whole(f64::from(*value))).collect(),
            TensorData::F64(values) => values.iter().map(|value| whole(*value)).collect(),
            TensorData::I64(values) => Ok(values.clone()),
            TensorData::I32(values) => Ok(values.iter().map(|value| i64::from(*value)).collect()),
            TensorData::I16(values) => Ok(values.iter().map(|value| i64::from(*value)).collect()),
            TensorData::I8(values) => Ok(values.iter().map(|value| i64::from(*value)).collect()),
            TensorData::U8(values) => Ok(values.iter().map(|value| i64::from(*value)).collect()),
            TensorData::Bool(values) => Ok(values.iter().map(|value| i64::from(*value)).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_must_fill_the_shape() {
        assert!(Tensor::f32(vec![2, 3], vec![0.0; 6]).is_ok());
        assert!(Tensor::f32(vec![2, 3], vec![0.0; 5]).is_err());
        assert!(Tensor::f32(vec![usize::MAX, 2], vec![]).is_err());
        assert!(Tensor::f32(vec![0, 3], vec![]).is_ok());
    }

    #[test]
    fn whole_floats_are_integers_and_others_are_refused() {
        let tensor = Tensor::f32(vec![3], vec![0.0, 2196.0, -1.0]).unwrap();
        assert_eq!(tensor.to_i64().unwrap(), [0, 2196, -1]);
        assert!(Tensor::scalar(0.5).to_i64().is_err());
        assert!(Tensor::scalar(f32::NAN).to_i64().is_err());
        assert!(Tensor::scalar(f32::INFINITY).to_i64().is_err());
    }
}
