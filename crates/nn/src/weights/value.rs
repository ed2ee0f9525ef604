//! What a weight file or checkpoint can hold: numbers, text, containers and tensors.

use super::Tensor;

/// A value of a checkpoint. Mappings keep their order; their keys are texts or integers.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A mapping.
    Dict(Vec<(Value, Value)>),
    /// A mapping that is an `OrderedDict` for Python, as state dicts are.
    OrderedDict(Vec<(Value, Value)>),
    /// A tensor.
    Tensor(Tensor),
}

impl Value {
    /// A mapping with texts as keys.
    pub fn dict<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Dict(entries.into_iter().map(|(key, value)| (Self::Text(key.into()), value)).collect())
    }

    /// The entries, if this is a mapping of either kind.
    pub fn entries(&self) -> Option<&[(Value, Value)]> {
        match self {
            Self::Dict(entries) | Self::OrderedDict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, if this is a list or a tuple.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// What the mapping holds under this text.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.entries()?.iter().find(|(candidate, _)| candidate.as_text() == Some(key))?;
        Some(value)
    }

    /// What the mapping holds under this integer, such as the index of a parameter.
    pub fn get_index(&self, key: i64) -> Option<&Value> {
        let (_, value) = self.entries()?.iter().find(|(candidate, _)| candidate.as_int() == Some(key))?;
        Some(value)
    }

    /// Takes out what the mapping holds under this text, so that large tensors need no copy.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        let (Self::Dict(entries) | Self::OrderedDict(entries)) = self else { return None };
        let position = entries.iter().position(|(candidate, _)| candidate.as_text() == Some(key))?;
        Some(entries.remove(position).1)
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The number as a float, if it is one; Python writes whole floats of a configuration as integers.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The tensor, if it is one.
    pub fn as_tensor(&self) -> Option<&Tensor> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// What kind of value this is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) | Self::OrderedDict(_) => "a mapping",
            Self::Tensor(_) => "a tensor",
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<Tensor> for Value {
    fn from(value: Tensor) -> Self {
        Self::Tensor(value)
    }
}
