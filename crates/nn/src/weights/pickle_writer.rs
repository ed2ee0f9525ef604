//! Writes the pickle of a weight file: protocol 2, no memo, each tensor with a storage of its own.

use super::storage::class_of;
use super::{Tensor, Value};

/// Bytes of a pickle, and the tensors whose storages it names, in the order of their numbers.
pub(super) struct PickleWriter<'a> {
    bytes: Vec<u8>,
    tensors: Vec<&'a Tensor>,
}

impl<'a> PickleWriter<'a> {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0x80, 2], tensors: vec![] }
    }

    /// Ends the pickle. The storage of the n-th tensor belongs into the member `data/<n>`.
    pub(super) fn finish(mut self) -> (Vec<u8>, Vec<&'a Tensor>) {
        self.bytes.push(b'.');
        (self.bytes, self.tensors)
    }

    pub(super) fn value(&mut self, value: &'a Value) {
        match value {
            Value::None => self.bytes.push(b'N'),
            Value::Bool(value) => self.bytes.push(if *value { 0x88 } else { 0x89 }),
            Value::Int(value) => self.int(*value),
            Value::Float(value) => {
                self.bytes.push(b'G');
                self.bytes.extend(value.to_be_bytes());
            }
            Value::Text(text) => self.text(text),
            Value::List(items) => {
                self.bytes.push(b']');
                self.group(items, b'e');
            }
            Value::Tuple(items) => self.group(items, b't'),
            Value::Dict(entries) => {
                self.bytes.push(b'}');
                self.entries(entries);
            }
            Value::OrderedDict(entries) => {
                self.empty_ordered_dict();
                self.entries(entries);
            }
            Value::Tensor(tensor) => self.tensor(tensor),
        }
    }

    /// A mapping of names to tensors, as an `OrderedDict`.
    pub(super) fn state_dict(&mut self, entries: impl Iterator<Item = (&'a str, &'a Tensor)>) {
        self.empty_ordered_dict();
        self.bytes.push(b'(');
        for (name, tensor) in entries {
            self.text(name);
            self.tensor(tensor);
        }
        self.bytes.push(b'u');
    }

    fn group(&mut self, items: &'a [Value], end: u8) {
        self.bytes.push(b'(');
        for item in items {
            self.value(item);
        }
        self.bytes.push(end);
    }

    fn entries(&mut self, entries: &'a [(Value, Value)]) {
        self.bytes.push(b'(');
        for (key, value) in entries {
            self.value(key);
            self.value(value);
        }
        self.bytes.push(b'u');
    }

    fn int(&mut self, value: i64) {
        if let Ok(value) = u8::try_from(value) {
            self.bytes.extend([b'K', value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.bytes.push(b'M');
            self.bytes.extend(value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.bytes.push(b'J');
            self.bytes.extend(value.to_le_bytes());
        } else {
            self.bytes.extend([0x8a, 8]);
            self.bytes.extend(value.to_le_bytes());
        }
    }

    fn size(&mut self, value: usize) {
        // Values in memory never number more than isize::MAX.
        self.int(i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn text(&mut self, text: &str) {
        self.bytes.push(b'X');
        // Names and settings are short: four bytes of length are all that protocol 2 has.
        self.bytes.extend((text.len() as u32).to_le_bytes());
        self.bytes.extend(text.as_bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.bytes.push(b'c');
        self.bytes.extend(format!("{module}\n{name}\n").as_bytes());
    }

    fn empty_ordered_dict(&mut self) {
        self.global("collections", "OrderedDict");
        self.bytes.extend(b")R");
    }

    fn tensor(&mut self, tensor: &'a Tensor) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.bytes.extend(b"((");
        self.text("storage");
        self.global("torch", class_of(tensor.data()));
        self.text(&self.tensors.len().to_string());
        self.text("cpu");
        self.size(tensor.data().len());
        self.bytes.extend(b"tQ");
        self.int(0);
        self.sizes(tensor.shape());
        self.sizes(&row_major_strides(tensor.shape()));
        // requires_grad = False
        self.bytes.push(0x89);
        self.empty_ordered_dict();
        self.bytes.extend(b"tR");
        self.tensors.push(tensor);
    }

    fn sizes(&mut self, sizes: &[usize]) {
        self.bytes.push(b'(');
        for size in sizes {
            self.size(*size);
        }
        self.bytes.push(b't');
    }
}

fn row_major_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
    }
    strides
}
