//! Weight files in the safetensors format: a JSON header of names, types and places, then raw numbers.

use super::storage::{ElementKind, View, decode, encode};
use super::{StateDict, Tensor, TensorData, WeightsError};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::io::Write;

/// Metadata key under which our files keep the order of their tensors, which the format does not.
const ORDER: &str = "mist.order";
/// What the length of a header is a multiple of, in bytes.
const ALIGNMENT: usize = 8;

/// Reads the tensors of a file's `bytes`, in the order that they say or else that of their places.
///
/// # Errors
/// If the file is damaged, or has numbers of a type that no weight file needs.
pub(super) fn read_safetensors(bytes: &[u8]) -> Result<StateDict, WeightsError> {
    let damaged = |error: SafeTensorError| WeightsError::Safetensors(error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let noted = metadata.metadata().as_ref().and_then(|notes| notes.get(ORDER));
    let noted: Option<Vec<String>> = noted.and_then(|names| serde_json::from_str(names).ok());
    let present = metadata.offset_keys();
    // Each name once, and no other: a forged order must not hide a tensor.
    let same = |names: &Vec<String>| names.iter().collect::<HashSet<_>>() == present.iter().collect::<HashSet<_>>();
    let mut state = StateDict::new();
    for name in noted.filter(same).unwrap_or_else(|| metadata.offset_keys()) {
        let view = file.tensor(&name).map_err(damaged)?;
        let kind = kind_of(view.dtype()).ok_or_else(|| {
            WeightsError::Safetensors(format!("the tensor {name} has numbers of the type {:?}", view.dtype()))
        })?;
        let shape = view.shape().to_vec();
        let elements = view.data().len() / kind.size();
        let place = View::new(0, shape.clone(), strides(&shape), elements)?;
        let tensor = Tensor::new(shape, decode(kind, &place, view.data())?)?.widened_from(kind.narrow());
        state.insert_of_file(&name, tensor)?;
    }
    Ok(state)
}

/// Writes the tensors, and their order as a note. Byte for byte what the library would write, which has all of it in memory.
///
/// # Errors
/// If `out` fails.
pub fn write_safetensors(mut out: impl Write, state: &StateDict) -> Result<(), WeightsError> {
    let failed = |error: String| WeightsError::Safetensors(error);
    let names: Vec<&str> = state.iter().map(|(name, _)| name).collect();
    let order = serde_json::to_string(&names).map_err(|error| failed(error.to_string()))?;
    let notes = HashMap::from([(ORDER.to_owned(), order)]);
    // Wide numbers first, so that all are aligned.
    let mut tensors: Vec<(&str, &Tensor)> = state.iter().collect();
    tensors.sort_by_key(|(name, tensor)| (Reverse(dtype_of(tensor.data())), *name));
    let mut end = 0;
    let place = |(name, tensor): &(&str, &Tensor)| {
        let (start, dtype) = (end, dtype_of(tensor.data()));
        end += tensor.data().len() * dtype.bitsize() / 8;
        ((*name).to_owned(), TensorInfo { dtype, shape: tensor.shape().to_vec(), data_offsets: (start, end) })
    };
    let places = tensors.iter().map(place).collect();
    let header = Metadata::new(Some(notes), places).map_err(|error| failed(error.to_string()))?;
    let mut header = serde_json::to_vec(&header).map_err(|error| failed(error.to_string()))?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for (_, tensor) in tensors {
        encode(tensor.data(), &mut out)?;
    }
    Ok(())
}

/// Row-major strides; a shape whose product is too large is refused by the view.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

fn kind_of(dtype: Dtype) -> Option<ElementKind> {
    Some(match dtype {
        Dtype::F32 => ElementKind::F32,
        Dtype::F64 => ElementKind::F64,
        Dtype::F16 => ElementKind::F16,
        Dtype::BF16 => ElementKind::BF16,
        Dtype::I64 => ElementKind::I64,
        Dtype::I32 => ElementKind::I32,
        Dtype::I16 => ElementKind::I16,
        Dtype::I8 => ElementKind::I8,
        Dtype::U8 => ElementKind::U8,
        Dtype::BOOL => ElementKind::Bool,
        _ => return None,
    })
}

fn dtype_of(data: &TensorData) -> Dtype {
    match data {
        TensorData::F32(_) => Dtype::F32,
        TensorData::F64(_) => Dtype::F64,
        TensorData::I64(_) => Dtype::I64,
        TensorData::I32(_) => Dtype::I32,
        TensorData::I16(_) => Dtype::I16,
        TensorData::I8(_) => Dtype::I8,
        TensorData::U8(_) => Dtype::U8,
        TensorData::Bool(_) => Dtype::BOOL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    fn state() -> StateDict {
        let mut state = StateDict::new();
        state.insert("z", Tensor::f32(vec![2, 2], vec![1.0, -2.0, 0.5, f32::MIN_POSITIVE]).unwrap());
        state.insert("a", Tensor::new(vec![3], TensorData::I64(vec![-1, 0, 1 << 40])).unwrap());
        state.insert("m", Tensor::new(vec![2], TensorData::Bool(vec![true, false])).unwrap());
        state
    }

    #[test]
    fn tensors_come_back_in_their_order() {
        let mut bytes = Vec::new();
        write_safetensors(&mut bytes, &state()).unwrap();
        assert_eq!(read_safetensors(&bytes).unwrap(), state());
    }

    #[test]
    fn files_are_those_of_the_library() {
        let mut state = state();
        state.insert("b", Tensor::new(vec![1], TensorData::F64(vec![0.25])).unwrap());
        state.insert("empty", Tensor::f32(vec![0, 3], vec![]).unwrap());
        let encoded = |tensor: &Tensor| {
            let mut bytes = Vec::new();
            encode(tensor.data(), &mut bytes).unwrap();
            bytes
        };
        let all: Vec<_> = state.iter().map(|(name, tensor)| (name, tensor, encoded(tensor))).collect();
        let views = all.iter().map(|(name, tensor, bytes)| {
            (*name, TensorView::new(dtype_of(tensor.data()), tensor.shape().to_vec(), bytes).unwrap())
        });
        let notes = HashMap::from([(ORDER.to_owned(), r#"["z","a","m","b","empty"]"#.to_owned())]);
        let mut bytes = Vec::new();
        write_safetensors(&mut bytes, &state).unwrap();
        assert!(bytes == safetensors::serialize(views, Some(notes)).unwrap());
    }

    #[test]
    fn files_of_other_programs_have_no_order_and_may_have_halves() {
        let halves = [half::f16::from_f32(0.5), half::f16::from_f32(-3.0)].map(half::f16::to_le_bytes);
        let view = TensorView::new(Dtype::F16, vec![2], halves.as_flattened()).unwrap();
        let bytes = safetensors::serialize([("w", view)], None).unwrap();
        let state = read_safetensors(&bytes).unwrap();
        let tensor = state.get("w").unwrap();
        assert_eq!((&tensor.to_f32()[..], tensor.stored_type()), (&[0.5, -3.0][..], "f16"));
    }

    #[test]
    fn damaged_files_are_refused_at_every_length() {
        let mut bytes = Vec::new();
        write_safetensors(&mut bytes, &state()).unwrap();
        assert!((0..bytes.len()).all(|length| read_safetensors(&bytes[..length]).is_err()));
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(read_safetensors(&longer).is_err());
        // A header that claims more than there is.
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read_safetensors(&bytes).is_err());
    }

    #[test]
    fn the_prefix_of_a_wrapper_is_removed() {
        let mut state = StateDict::new();
        state.insert("module.a", Tensor::scalar(1.0));
        state.insert("b", Tensor::scalar(2.0));
        let mut bytes = Vec::new();
        write_safetensors(&mut bytes, &state).unwrap();
        let read = read_safetensors(&bytes).unwrap();
        assert_eq!(read.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
        state.insert("a", Tensor::scalar(3.0));
        bytes.clear();
        write_safetensors(&mut bytes, &state).unwrap();
        assert!(read_safetensors(&bytes).unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn a_forged_order_hides_no_tensor() {
        let (one, two) = (1.0_f32.to_le_bytes(), 2.0_f32.to_le_bytes());
        let view = |bytes| TensorView::new(Dtype::F32, vec![], bytes).unwrap();
        let notes = HashMap::from([(ORDER.to_owned(), r#"["a","a"]"#.to_owned())]);
        let bytes = safetensors::serialize([("a", view(&one)), ("b", view(&two))], Some(notes)).unwrap();
        assert_eq!(read_safetensors(&bytes).unwrap().len(), 2);
    }
}
