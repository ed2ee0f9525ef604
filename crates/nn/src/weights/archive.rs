//! Reading of PyTorch archives: `<root>/data.pkl` names tensors, `<root>/data/<n>` holds their storages.

use super::pickle_objects::TensorReference;
use super::pickle_reader::interpret;
use super::storage::decode;
use super::zip_directory::{self, Member, Packing, read_at};
use super::{Tensor, Value, WeightsError};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// All tensors together may take this many times the size of the file. Views of shared storages and widened half
/// precision take a few times as much; a file that wants more is meant to exhaust the memory.
const MOST_EXPANSION: u64 = 16;
/// Small files may take this much in any case.
const ALWAYS_ALLOWED: u64 = 16 << 20;

/// Reads a weight file or checkpoint.
///
/// # Errors
/// If the file cannot be read, is damaged, asks for anything but numbers, texts, containers and tensors, or would
/// unpack to far more than its size.
pub fn read(path: &Path) -> Result<Value, WeightsError> {
    read_from(BufReader::new(File::open(path)?))
}

/// [`read`] from any source of bytes.
pub fn read_from(file: impl Read + Seek) -> Result<Value, WeightsError> {
    let mut archive = Archive::open(file)?;
    let pickle = archive.member("data.pkl")?;
    if archive.has("byteorder") && archive.member("byteorder")? != b"little" {
        return Err(WeightsError::Archive("its numbers are not little-endian".into()));
    }
    let memory = archive.allowance;
    interpret(&pickle, memory, &mut |reference| archive.tensor(reference))
}

struct Archive<F> {
    file: F,
    length: u64,
    root: String,
    members: HashMap<String, Member>,
    /// Bytes that may still be unpacked.
    allowance: u64,
    /// The storage that was read last, with its key: views of one storage usually follow each other.
    latest: Option<(String, Vec<u8>)>,
}

impl<F: Read + Seek> Archive<F> {
    fn open(mut file: F) -> Result<Self, WeightsError> {
        let length = file.seek(SeekFrom::End(0))?;
        let directory = zip_directory::read(&mut file)?;
        // As PyTorch does: the folder of the first member is the root, whatever its name.
        let root = directory.first().and_then(|first| first.name.split_once('/')).map(|(root, _)| root.to_owned());
        let root = root.ok_or_else(|| WeightsError::Archive("it has no root folder".into()))?;
        let mut members = HashMap::new();
        for member in directory {
            if let Some(earlier) = members.insert(member.name.clone(), member) {
                return Err(WeightsError::Archive(format!("the member {:?} comes twice", earlier.name)));
            }
        }
        let allowance = length.saturating_mul(MOST_EXPANSION).max(ALWAYS_ALLOWED);
        Ok(Self { file, length, root, members, allowance, latest: None })
    }

    fn has(&self, name: &str) -> bool {
        self.members.contains_key(&format!("{}/{name}", self.root))
    }

    /// Counts bytes about to be unpacked.
    fn allow(&mut self, bytes: u64, what: &str) -> Result<(), WeightsError> {
        self.allowance = self
            .allowance
            .checked_sub(bytes)
            .ok_or_else(|| WeightsError::TooLarge(format!("{what} of {bytes} bytes in a file of {}", self.length)))?;
        Ok(())
    }

    /// The checked bytes of a member below the root.
    fn member(&mut self, name: &str) -> Result<Vec<u8>, WeightsError> {
        let path = format!("{}/{name}", self.root);
        let member = self.members.get(&path).cloned();
        let member = member.ok_or_else(|| WeightsError::Archive(format!("the member {path:?} is missing")))?;
        let damaged = |why: &str| WeightsError::Archive(format!("the member {path:?} is damaged: {why}"));
        if member.header.checked_add(30).is_none_or(|end| end > self.length) {
            return Err(damaged("it starts outside the file"));
        }
        let header = read_at(&mut self.file, member.header, 30)?;
        let variable = match header[..] {
            [b'P', b'K', 3, 4, .., a, b, c, d] => {
                u64::from(u16::from_le_bytes([a, b])) + u64::from(u16::from_le_bytes([c, d]))
            }
            _ => return Err(damaged("it has no header")),
        };
        let start = member.header + 30 + variable;
        if start.checked_add(member.packed_size).is_none_or(|end| end > self.length) {
            return Err(damaged("it ends outside the file"));
        }
        self.allow(member.size, "a member")?;
        let bytes = match member.packing {
            Packing::Stored if member.packed_size != member.size => return Err(damaged("its sizes differ")),
            Packing::Stored => read_at(&mut self.file, start, member.size as usize)?,
            Packing::Deflated => {
                self.file.seek(SeekFrom::Start(start))?;
                let packed = (&mut self.file).take(member.packed_size);
                let mut bytes = vec![];
                flate2::read::DeflateDecoder::new(packed).take(member.size + 1).read_to_end(&mut bytes)?;
                bytes
            }
        };
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 != member.size || crc.sum() != member.crc {
            return Err(damaged("its checksum is wrong"));
        }
        Ok(bytes)
    }

    fn tensor(&mut self, reference: &TensorReference) -> Result<Tensor, WeightsError> {
        let view = &reference.view;
        self.allow(view.count() as u64 * reference.kind.size_in_memory() as u64, "a tensor")?;
        let bytes = match self.latest.take() {
            Some((key, bytes)) if key == reference.key => bytes,
            _ => self.member(&format!("data/{}", reference.key))?,
        };
        if reference.elements.checked_mul(reference.kind.size()) != Some(bytes.len()) {
            return Err(WeightsError::Tensor(format!(
                "the storage {:?} has {} bytes for {} elements of {}",
                reference.key,
                bytes.len(),
                reference.elements,
                reference.kind.size()
            )));
        }
        let data = decode(reference.kind, view, &bytes)?;
        self.latest = Some((reference.key.clone(), bytes));
        Ok(Tensor::new(view.shape().to_vec(), data)?.widened_from(reference.kind.narrow()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{TensorData, write};
    use std::io::{Cursor, Write};
    use zip::write::SimpleFileOptions;

    fn golden(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/weights").join(name)
    }

    fn listing() -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(golden("weight_files.json")).unwrap()).unwrap()
    }

    /// Values as the fixtures' listing has them: tensors as nested lists.
    fn plain(value: &Value) -> serde_json::Value {
        use serde_json::{Value as Json, json};
        fn nested(values: &[f64], shape: &[usize]) -> Json {
            match shape {
                [] => json!(values[0]),
                [_, rest @ ..] => {
                    values.chunks(rest.iter().product()).map(|part| nested(part, rest)).collect::<Vec<_>>().into()
                }
            }
        }
        match value {
            Value::None => Json::Null,
            Value::Bool(value) => json!(value),
            Value::Int(value) => json!(value),
            Value::Float(value) if value.is_infinite() => json!("inf"),
            Value::Float(value) => json!(value),
            Value::Text(text) => json!(text),
            Value::List(items) | Value::Tuple(items) => items.iter().map(plain).collect::<Vec<_>>().into(),
            Value::Dict(entries) | Value::OrderedDict(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let key = key.as_text().map_or_else(|| key.as_int().unwrap().to_string(), str::to_owned);
                        (key, plain(value))
                    })
                    .collect(),
            ),
            Value::Tensor(tensor) => {
                nested(&tensor.to_f32().iter().map(|value| f64::from(*value)).collect::<Vec<_>>(), tensor.shape())
            }
        }
    }

    /// The JSON parser is one unit in the last place off at times.
    fn rounded(json: serde_json::Value) -> serde_json::Value {
        use serde_json::Value as Json;
        match json {
            Json::Number(number) => Json::String(format!("{:.12e}", number.as_f64().unwrap())),
            Json::Array(items) => items.into_iter().map(rounded).collect::<Vec<_>>().into(),
            Json::Object(entries) => {
                Json::Object(entries.into_iter().map(|(key, value)| (key, rounded(value))).collect())
            }
            other => other,
        }
    }

    #[test]
    fn every_type_and_strided_view_is_read() {
        let value = read(&golden("dtypes_and_views.pt")).unwrap();
        let listing = &listing()["dtypes_and_views.pt"];
        assert_eq!(value.entries().unwrap().len(), listing.as_object().unwrap().len());
        for (name, expected) in listing.as_object().unwrap() {
            let tensor = value.get(name).unwrap().as_tensor().unwrap();
            let shape: Vec<usize> = serde_json::from_value(expected["shape"].clone()).unwrap();
            let values: Vec<f64> = serde_json::from_value(expected["values"].clone()).unwrap();
            assert_eq!(tensor.shape(), shape, "{name}");
            let found: Vec<f64> = match tensor.data() {
                TensorData::F64(values) => values.clone(),
                TensorData::I64(values) => values.iter().map(|value| *value as f64).collect(),
                _ => tensor.to_f32().iter().map(|value| f64::from(*value)).collect(),
            };
            assert_eq!(found, values, "{name}");
            let stored = match tensor.stored_type() {
                "f32" => "float32",
                "f16" => "float16",
                "bf16" => "bfloat16",
                "f64" => "float64",
                "i64" => "int64",
                "i32" => "int32",
                "u8" => "uint8",
                other => other,
            };
            assert_eq!(expected["dtype"], stored, "{name}");
        }
    }

    #[test]
    fn a_checkpoint_of_the_reference_is_read_completely() {
        let value = read(&golden("fold_3_checkpoint.pt")).unwrap();
        assert_eq!(rounded(plain(&value)), rounded(listing()["fold_3_checkpoint.pt"].clone()));
        let state = value.get("optimizer_state_dict").unwrap().get("state").unwrap();
        assert_eq!(state.get_index(1).unwrap().get("step"), Some(&Value::Tensor(Tensor::scalar(1.0))));
        assert!(matches!(value.get("model_state_dict"), Some(Value::OrderedDict(_))));
    }

    #[test]
    fn deflated_members_under_any_root_are_read() {
        let value = Value::dict([("weight", Tensor::f32(vec![4096], vec![0.5; 4096]).unwrap().into())]);
        let mut stored = Cursor::new(vec![]);
        write(&mut stored, "fold_0", &value).unwrap();
        let mut source = zip::ZipArchive::new(stored).unwrap();
        let mut deflated = zip::ZipWriter::new(Cursor::new(vec![]));
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for index in 0..source.len() {
            let mut member = source.by_index(index).unwrap();
            deflated.start_file(member.name().replace("fold_0/", "other name/"), options).unwrap();
            std::io::copy(&mut member, &mut deflated).unwrap();
        }
        let mut deflated = deflated.finish().unwrap();
        assert_eq!(read_from(&mut deflated).unwrap(), value);
    }

    #[test]
    fn zip64_archives_are_read() {
        let mut archive = zip::ZipWriter::new(Cursor::new(vec![]));
        archive.start_file("root/data.pkl", SimpleFileOptions::default().large_file(true)).unwrap();
        archive.write_all(b"\x80\x02}.").unwrap();
        let archive = archive.finish().unwrap();
        assert_eq!(read_from(archive).unwrap(), Value::Dict(vec![]));
    }

    #[test]
    fn a_member_that_expands_without_measure_is_refused() {
        let mut archive = zip::ZipWriter::new(Cursor::new(vec![]));
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file("root/data.pkl", options).unwrap();
        archive.write_all(&vec![0; ALWAYS_ALLOWED as usize + 1]).unwrap();
        let archive = archive.finish().unwrap();
        assert!(matches!(read_from(archive), Err(WeightsError::TooLarge(_))));
    }
}
