//! Named tensors of a network, in the order of the file.

use super::archive_writer::write_archive;
use super::pickle_writer::PickleWriter;
use super::safetensors::read_safetensors;
use super::{Format, Mismatch, Tensor, Value, WeightsError, WrongShape, read};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

/// What multi-GPU wrappers of PyTorch put before every name.
const WRAPPER_PREFIX: &str = "module.";

/// Parameters and buffers of a network by name. Keeps the order in which they were added; names are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    entries: Vec<(String, Tensor)>,
    places: HashMap<String, usize>,
}

impl StateDict {
    /// Without any tensor.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor at the end, or replaces the one of this name in its place.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        let name = name.into();
        match self.places.get(&name).and_then(|place| self.entries.get_mut(*place)) {
            Some((_, present)) => *present = tensor,
            None => {
                self.places.insert(name.clone(), self.entries.len());
                self.entries.push((name, tensor));
            }
        }
    }

    /// Adds a tensor as it is named in a file, without the prefix of a wrapper.
    pub(super) fn insert_of_file(&mut self, name: &str, tensor: Tensor) -> Result<(), WeightsError> {
        let name = name.strip_prefix(WRAPPER_PREFIX).unwrap_or(name);
        if self.get(name).is_some() {
            return Err(WeightsError::NotAStateDict(format!("the name {name:?} comes twice")));
        }
        self.insert(name, tensor);
        Ok(())
    }

    /// Tensors with values that are not finite, and how many.
    pub fn not_finite(&self) -> Vec<(&str, usize)> {
        let count = |tensor: &Tensor| tensor.to_f32().iter().filter(|value| !value.is_finite()).count();
        self.iter().map(|(name, tensor)| (name, count(tensor))).filter(|(_, count)| *count > 0).collect()
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.entries.get(*self.places.get(name)?).map(|(_, tensor)| tensor)
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.entries.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Takes a mapping of names to tensors, such as a weight file or the `model_state_dict` of a checkpoint. If any
    /// name starts with `module.`, that prefix is removed once from each name that has it.
    ///
    /// # Errors
    /// If the value is anything else, or two names agree without their prefix.
    pub fn from_value(value: Value) -> Result<Self, WeightsError> {
        if value.get("model_state_dict").is_some() {
            return Err(WeightsError::NotAStateDict(
                "it is a training checkpoint; the weights for prediction are in the folder models/".into(),
            ));
        }
        let (Value::Dict(entries) | Value::OrderedDict(entries)) = value else {
            return Err(WeightsError::NotAStateDict(format!("it holds {}", value.kind())));
        };
        let mut result = Self::new();
        for (key, value) in entries {
            let (Value::Text(name), Value::Tensor(tensor)) = (&key, value) else {
                return Err(WeightsError::NotAStateDict(format!("the entry {key:?} is not a named tensor")));
            };
            result.insert_of_file(name, tensor)?;
        }
        Ok(result)
    }

    /// As a value, for the inside of a checkpoint.
    pub fn into_value(self) -> Value {
        let entries = self.entries.into_iter();
        Value::OrderedDict(entries.map(|(name, tensor)| (Value::Text(name), Value::Tensor(tensor))).collect())
    }

    /// Compares names and shapes with those of a network.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] with all missing, unexpected and misshapen tensors at once.
    pub fn check_against<N: AsRef<str>, S: AsRef<[usize]>>(&self, expected: &[(N, S)]) -> Result<(), WeightsError> {
        let mut mismatch = Mismatch::default();
        let mut known = vec![false; self.entries.len()];
        for (name, shape) in expected {
            let (name, shape) = (name.as_ref(), shape.as_ref());
            let place = self.places.get(name).copied();
            let Some((place, tensor)) = place.zip(self.get(name)) else {
                mismatch.missing.push(name.to_owned());
                continue;
            };
            known[place] = true;
            if tensor.shape() != shape {
                mismatch.misshapen.push(WrongShape {
                    name: name.to_owned(),
                    expected: shape.to_vec(),
                    found: tensor.shape().to_vec(),
                });
            }
        }
        let unknown = self.entries.iter().zip(known).filter(|(_, known)| !known);
        mismatch.unexpected = unknown.map(|((name, _), _)| name.clone()).collect();
        if mismatch.is_empty() { Ok(()) } else { Err(WeightsError::Mismatch(mismatch)) }
    }
}

impl IntoIterator for StateDict {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl FromIterator<(String, Tensor)> for StateDict {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(tensors: I) -> Self {
        let mut result = Self::new();
        for (name, tensor) in tensors {
            result.insert(name, tensor);
        }
        result
    }
}

/// Reads a weight file: names and tensors, nothing else. A file whose name tells no [`Format`] is one of PyTorch.
///
/// # Errors
/// As [`read`], and if the file is not a plain mapping of names to tensors (a checkpoint is not), or of another format
/// than its name tells.
pub fn read_state_dict(path: &Path) -> Result<StateDict, WeightsError> {
    let named = Format::of(path).unwrap_or(Format::PyTorch);
    let state = match named {
        Format::PyTorch => read(path).and_then(StateDict::from_value),
        Format::Safetensors => std::fs::read(path).map_err(WeightsError::Io).and_then(|bytes| read_safetensors(&bytes)),
    };
    state.map_err(|error| match Format::of_contents(&start_of(path)) {
        Some(found) if found != named => WeightsError::OtherFormat(found),
        _ => error,
    })
}

/// The first bytes of a file; none of what is no file, as a pipe may block whoever opens it again.
fn start_of(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    if path.is_file()
        && let Ok(file) = File::open(path)
    {
        // A file that cannot be read has failed before; it begins with nothing.
        let _ = file.take(16).read_to_end(&mut start);
    }
    start
}

/// Writes a weight file. `root` is the folder name inside the archive, by convention the file's name without `.pt`.
///
/// # Errors
/// If `out` fails.
pub fn write_state_dict(out: impl Write + Seek, root: &str, weights: &StateDict) -> Result<(), WeightsError> {
    let mut pickle = PickleWriter::new();
    pickle.state_dict(weights.iter());
    write_archive(out, root, pickle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::read_from;
    use std::io::Cursor;

    fn golden(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/weights").join(name)
    }

    /// The value formula of the fixtures: uniform in [-1, 1) from the name and the flat index.
    fn hashed(name: &str, index: usize) -> f32 {
        let mut crc = flate2::Crc::new();
        crc.update(name.as_bytes());
        let mut x = crc.sum().wrapping_add((index as u32).wrapping_mul(0x9E37_79B1));
        x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
        x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
        x ^= x >> 16;
        (x >> 8) as f32 * (1.0 / 8_388_608.0) - 1.0
    }

    #[test]
    fn weights_of_the_reference_are_read_bit_for_bit_and_in_order() {
        let weights = read_state_dict(&golden("pocket_hashed.pt")).unwrap();
        assert_eq!(weights.len(), 83);
        assert_eq!(weights.iter().next().unwrap().0, "unet.input_block.conv1.conv.weight");
        for (name, tensor) in weights.iter() {
            let fan_in: usize = tensor.shape().iter().skip(1).product();
            let scale = (3.0 / fan_in as f64).sqrt() as f32;
            for (index, found) in tensor.to_f32().iter().enumerate() {
                let u = hashed(name, index);
                let expected = match tensor.shape() {
                    [_, _, ..] => u * scale,
                    _ if name.ends_with(".bias") => 0.1 * u,
                    _ => 1.0 + 0.1 * u,
                };
                assert_eq!(found.to_bits(), expected.to_bits(), "{name}[{index}]");
            }
        }
    }

    #[test]
    fn the_wrapper_prefix_is_removed_where_it_is() {
        let weights = read_state_dict(&golden("module_prefix.pt")).unwrap();
        let names: Vec<_> = weights.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.weight", "b.bias", "c"]);
    }

    #[test]
    fn a_checkpoint_is_not_a_weight_file_but_holds_one() {
        let error = read_state_dict(&golden("fold_3_checkpoint.pt")).unwrap_err();
        assert!(error.to_string().contains("training checkpoint"), "{error}");
        let mut checkpoint = read(&golden("fold_3_checkpoint.pt")).unwrap();
        let weights = StateDict::from_value(checkpoint.take("model_state_dict").unwrap()).unwrap();
        assert!(weights.check_against(&[("weight", vec![2, 1, 3, 3, 3]), ("bias", vec![2])]).is_ok());
    }

    #[test]
    fn all_differences_are_reported_at_once() {
        let tensor = |shape: &[usize]| Tensor::f32(shape.to_vec(), vec![0.0; shape.iter().product()]).unwrap();
        let weights: StateDict = [("a", &[2, 3][..]), ("b", &[4]), ("x", &[1])]
            .map(|(name, shape)| (name.into(), tensor(shape)))
            .into_iter()
            .collect();
        let error = weights.check_against(&[("b", vec![5]), ("a", vec![2, 3]), ("c", vec![])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the weights do not fit the network: 1 missing: c; 1 unexpected: x; 1 of another shape: b (is [4], must be [5])"
        );
    }

    #[test]
    fn written_weights_come_back_in_order() {
        let mut weights = StateDict::new();
        for name in ["z", "a", "m"] {
            weights.insert(name, Tensor::f32(vec![2, 2], vec![1.0, -2.0, f32::MIN_POSITIVE, 0.1]).unwrap());
        }
        weights.insert("a", Tensor::scalar(3.0));
        let mut out = Cursor::new(vec![]);
        write_state_dict(&mut out, "fold_1", &weights).unwrap();
        let value = read_from(&mut out).unwrap();
        assert!(matches!(value, Value::OrderedDict(_)));
        assert_eq!(StateDict::from_value(value).unwrap(), weights);
    }
}
