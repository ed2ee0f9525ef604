//! The objects of an interpreted pickle, and their unfolding into a [`Value`].
//!
//! Unfolding has limits on depth and size, since shared references can make a small pickle unfold without end.

use super::storage::{ElementKind, View};
use super::{Tensor, Value, WeightsError};
use std::collections::HashSet;

/// Values in the unfolded result; a long text counts as several.
const MOST_VALUES: usize = 1 << 20;
/// What a value may take, with the containers that it passes through.
const BYTES_PER_VALUE: u64 = 256;
/// Bytes of text that count as one value.
const TEXT_UNIT: usize = 64;
/// Nesting; checkpoints reach 6.
const DEEPEST: usize = 32;

/// A view of a storage that lies in another member of the archive.
#[derive(Clone, Debug)]
pub(super) struct TensorReference {
    pub(super) kind: ElementKind,
    /// Name of the member below `data/`.
    pub(super) key: String,
    /// Elements that the storage is said to have.
    pub(super) elements: usize,
    pub(super) view: View,
}

/// What a name in a pickle may stand for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    Storage(ElementKind),
}

/// What an instruction can put on the stack; parts are indices of other objects.
#[derive(Debug)]
pub(super) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Tuple(Vec<usize>),
    List(Vec<usize>),
    Dict {
        ordered: bool,
        entries: Vec<(usize, usize)>,
    },
    Global(Global),
    Storage {
        kind: ElementKind,
        key: String,
        elements: usize,
    },
    /// Boxed, as it is by far the largest.
    Tensor(Box<TensorReference>),
}

/// Fetches the values of a tensor.
pub(super) type Load<'a> = dyn FnMut(&TensorReference) -> Result<Tensor, WeightsError> + 'a;

/// All objects of a pickle.
#[derive(Debug, Default)]
pub(super) struct Objects(Vec<Object>);

impl Objects {
    /// Adds an object and returns its index.
    pub(super) fn add(&mut self, object: Object) -> usize {
        self.0.push(object);
        self.0.len() - 1
    }

    pub(super) fn get(&self, index: usize) -> Option<&Object> {
        self.0.get(index)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Object> {
        self.0.get_mut(index)
    }

    /// The object with all that it refers to, for which about `memory` bytes may be taken besides those of tensors.
    pub(super) fn unfold(&self, index: usize, memory: u64, load: &mut Load) -> Result<Value, WeightsError> {
        let mut values_left =
            usize::try_from(memory / BYTES_PER_VALUE).map_or(MOST_VALUES, |most| most.min(MOST_VALUES));
        self.unfold_part(index, 0, &mut values_left, load)
    }

    fn unfold_part(
        &self,
        index: usize,
        depth: usize,
        values_left: &mut usize,
        load: &mut Load,
    ) -> Result<Value, WeightsError> {
        let cost = match self.get(index) {
            Some(Object::Text(text)) => 1 + text.len() / TEXT_UNIT,
            _ => 1,
        };
        *values_left = values_left
            .checked_sub(cost)
            .ok_or_else(|| WeightsError::TooLarge("the values of a list of tensors".into()))?;
        if depth > DEEPEST {
            return Err(WeightsError::TooLarge(format!("values nested more than {DEEPEST} deep")));
        }
        let mut unfold_all = |items: &[usize]| {
            items
                .iter()
                .map(|item| self.unfold_part(*item, depth + 1, values_left, load))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match self.get(index) {
            Some(Object::None) => Value::None,
            Some(Object::Bool(value)) => Value::Bool(*value),
            Some(Object::Int(value)) => Value::Int(*value),
            Some(Object::Float(value)) => Value::Float(*value),
            Some(Object::Text(text)) => Value::Text(text.clone()),
            Some(Object::Tuple(items)) => Value::Tuple(unfold_all(items)?),
            Some(Object::List(items)) => Value::List(unfold_all(items)?),
            Some(Object::Dict { ordered, entries }) => {
                let keys = unfold_all(&entries.iter().map(|(key, _)| *key).collect::<Vec<_>>())?;
                check_keys(&keys)?;
                let values = unfold_all(&entries.iter().map(|(_, value)| *value).collect::<Vec<_>>())?;
                let entries = keys.into_iter().zip(values).collect();
                if *ordered { Value::OrderedDict(entries) } else { Value::Dict(entries) }
            }
            Some(Object::Tensor(reference)) => Value::Tensor(load(reference)?),
            Some(Object::Global(_) | Object::Storage { .. }) | None => {
                return Err(WeightsError::NotAStateDict("it holds a bare class or storage".into()));
            }
        })
    }
}

/// Keys are texts or integers, each once: a name that comes twice would be read differently by other programs.
fn check_keys(keys: &[Value]) -> Result<(), WeightsError> {
    let mut texts = HashSet::new();
    let mut integers = HashSet::new();
    for key in keys {
        let new = match key {
            Value::Text(text) => texts.insert(text.as_str()),
            Value::Int(value) => integers.insert(*value),
            other => {
                return Err(WeightsError::NotAStateDict(format!("{} is the key of a mapping", other.kind())));
            }
        };
        if !new {
            return Err(WeightsError::NotAStateDict(format!("the key {key:?} comes twice")));
        }
    }
    Ok(())
}
