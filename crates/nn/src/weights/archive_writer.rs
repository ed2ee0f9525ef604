//! Writing of PyTorch archives: stored members, each payload at a multiple of 64 bytes so that it can be memory-mapped.

use super::pickle_writer::PickleWriter;
use super::storage::{ElementKind, class_of, encode};
use super::{Tensor, Value, WeightsError};
use std::io::{Seek, Write};
use zip::write::SimpleFileOptions;

/// What PyTorch aligns storages to, in bytes.
const ALIGNMENT: u16 = 64;
/// Sizes from here need ZIP64 fields; the margin leaves room for headers.
const ZIP32_LIMIT: u64 = u32::MAX as u64 - (1 << 16);

/// Writes a weight file or checkpoint that `torch.load(…, weights_only=True)` accepts. The same value gives the same
/// bytes.
///
/// `root` is the name of the folder inside the archive: by convention the file's name without `.pt`.
///
/// # Errors
/// If `out` fails.
pub fn write(out: impl Write + Seek, root: &str, value: &Value) -> Result<(), WeightsError> {
    let mut pickle = PickleWriter::new();
    pickle.value(value);
    write_archive(out, root, pickle)
}

pub(super) fn write_archive(out: impl Write + Seek, root: &str, pickle: PickleWriter) -> Result<(), WeightsError> {
    let (pickle, tensors) = pickle.finish();
    let mut archive = zip::ZipWriter::new(out);
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644)
        .with_alignment(ALIGNMENT);
    let texts: [(&str, &[u8]); 4] =
        [("data.pkl", &pickle), (".format_version", b"1"), (".storage_alignment", b"64"), ("byteorder", b"little")];
    for (name, contents) in texts {
        archive.start_file(format!("{root}/{name}"), options)?;
        archive.write_all(contents)?;
    }
    for (number, tensor) in tensors.into_iter().enumerate() {
        let options = options.large_file(bytes_of(tensor) >= ZIP32_LIMIT);
        archive.start_file(format!("{root}/data/{number}"), options)?;
        encode(tensor.data(), &mut archive)?;
    }
    archive.start_file(format!("{root}/version"), options)?;
    archive.write_all(b"3\n")?;
    archive.finish()?.flush()?;
    Ok(())
}

fn bytes_of(tensor: &Tensor) -> u64 {
    let size = ElementKind::of_class(class_of(tensor.data())).map_or(8, ElementKind::size);
    tensor.data().len() as u64 * size as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{TensorData, read_from};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn written(value: &Value) -> Vec<u8> {
        let mut out = Cursor::new(vec![]);
        write(&mut out, "fold_0", value).unwrap();
        out.into_inner()
    }

    fn tensor() -> impl Strategy<Value = Value> {
        let shape = prop::collection::vec(0usize..4, 0..4);
        (shape, 0..7, any::<u64>()).prop_map(|(shape, kind, seed)| {
            let count: usize = shape.iter().product();
            let bits = (0..count as u64).map(|i| (seed ^ i).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            // Bit patterns of NaN would not compare equal to themselves.
            let data = match kind {
                0 => TensorData::F32(bits.map(|bits| bits as i32 as f32).collect()),
                1 => TensorData::F64(bits.map(|bits| bits as i64 as f64).collect()),
                2 => TensorData::I64(bits.map(|bits| bits as i64).collect()),
                3 => TensorData::I32(bits.map(|bits| bits as i32).collect()),
                4 => TensorData::I16(bits.map(|bits| bits as i16).collect()),
                5 => TensorData::U8(bits.map(|bits| bits as u8).collect()),
                _ => TensorData::Bool(bits.map(|bits| bits % 2 == 1).collect()),
            };
            Value::Tensor(Tensor::new(shape, data).unwrap())
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::None),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (0i64..70_000).prop_map(Value::Int),
            (-1e300..1e300f64).prop_map(Value::Float),
            Just(Value::Float(f64::INFINITY)),
            ".{0,8}".prop_map(Value::Text),
            tensor(),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            let entries = prop::collection::btree_map(".{0,4}", inner.clone(), 0..5)
                .prop_map(|map| map.into_iter().map(|(key, value)| (Value::Text(key), value)).collect::<Vec<_>>());
            let numbered = prop::collection::btree_map(-3i64..300, inner.clone(), 0..5)
                .prop_map(|map| map.into_iter().map(|(key, value)| (Value::Int(key), value)).collect::<Vec<_>>());
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::vec(inner, 0..5).prop_map(Value::Tuple),
                entries.prop_map(Value::OrderedDict),
                numbered.prop_map(Value::Dict),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(value in value()) {
            prop_assert_eq!(read_from(Cursor::new(written(&value))).unwrap(), value);
        }
    }

    #[test]
    fn payloads_are_aligned_and_stored() {
        let tensors = (1..6).map(|n| (format!("t{n}"), Tensor::f32(vec![n], vec![1.0; n]).unwrap().into()));
        let bytes = written(&Value::dict(tensors));
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 10);
        for index in 0..archive.len() {
            let member = archive.by_index(index).unwrap();
            assert_eq!(member.data_start() % 64, 0, "{}", member.name());
            assert_eq!(member.compression(), zip::CompressionMethod::Stored);
            assert!(member.name().starts_with("fold_0/"));
        }
    }

    #[test]
    fn the_same_values_give_the_same_bytes() {
        let value = Value::dict([("weight", Tensor::scalar(2.5).into()), ("epoch", Value::Int(7))]);
        assert_eq!(written(&value), written(&value.clone()));
    }
}
