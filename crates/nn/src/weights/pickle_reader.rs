//! Interpreter of the pickle instructions that weight files use, and of no others.
//!
//! Objects live in a table and refer to each other by index, as the format's memo needs; nothing is called: the globals
//! are recognised by name and stand for "an ordered mapping", "a tensor" and "a storage of this type".

use super::pickle_objects::{Global, Load, Object, Objects, TensorReference};
use super::storage::{ElementKind, View};
use super::{Value, WeightsError};
use std::collections::HashMap;

/// `data.pkl` of a large network takes some hundred kilobytes.
const LONGEST_PICKLE: usize = 16 << 20;
/// Axes of a tensor.
const MOST_AXES: usize = 16;
/// Characters in the name of a storage, which is a number.
const LONGEST_KEY: usize = 32;

/// An instruction of one byte leaves an object and references to it, which may take that much.
const BYTES_PER_INSTRUCTION: u64 = 128;

/// Interprets a pickle, for which about `memory` bytes may be taken. `load` fetches each tensor's values.
pub(super) fn interpret(pickle: &[u8], memory: u64, load: &mut Load) -> Result<Value, WeightsError> {
    if pickle.len() > LONGEST_PICKLE {
        return Err(WeightsError::TooLarge(format!("a list of tensors of {} bytes", pickle.len())));
    }
    let instructions_left = memory / BYTES_PER_INSTRUCTION;
    let mut machine = Machine { pickle, instructions_left, ..Machine::default() };
    let result = machine.run().map_err(|stop| match stop {
        Stop::Odd(problem) => WeightsError::Pickle { position: machine.instruction, problem },
        Stop::Bad(error) => error,
    })?;
    machine.objects.unfold(result, memory, load)
}

/// Why the interpreter stops early.
enum Stop {
    /// Something that no weight file contains; the position is added by the caller.
    Odd(String),
    /// An error that says where it is from.
    Bad(WeightsError),
}

impl From<&str> for Stop {
    fn from(problem: &str) -> Self {
        Self::Odd(problem.into())
    }
}

impl From<WeightsError> for Stop {
    fn from(error: WeightsError) -> Self {
        Self::Bad(error)
    }
}

fn too_many_instructions() -> WeightsError {
    WeightsError::TooLarge("the instructions of a list of tensors".into())
}

#[derive(Default)]
struct Machine<'a> {
    pickle: &'a [u8],
    /// Next byte to read.
    at: usize,
    /// Start of the current instruction, for messages.
    instruction: usize,
    instructions_left: u64,
    objects: Objects,
    stack: Vec<usize>,
    /// Heights of the stack at which a group of items starts.
    marks: Vec<usize>,
    memo: HashMap<u32, usize>,
}

impl Machine<'_> {
    /// Runs to the end; returns the index of the result.
    fn run(&mut self) -> Result<usize, Stop> {
        if self.bytes::<2>()? != [0x80, 2] {
            return Err("not a pickle of protocol 2".into());
        }
        loop {
            self.instruction = self.at;
            self.instructions_left = self.instructions_left.checked_sub(1).ok_or_else(too_many_instructions)?;
            let [code] = self.bytes()?;
            match code {
                b'N' => self.push(Object::None),
                0x88 => self.push(Object::Bool(true)),
                0x89 => self.push(Object::Bool(false)),
                b'J' => {
                    let value = i32::from_le_bytes(self.bytes()?);
                    self.push(Object::Int(value.into()));
                }
                b'K' => {
                    let [value] = self.bytes()?;
                    self.push(Object::Int(value.into()));
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.bytes()?);
                    self.push(Object::Int(value.into()));
                }
                0x8a => {
                    let value = self.long()?;
                    self.push(Object::Int(value));
                }
                b'G' => {
                    let value = f64::from_be_bytes(self.bytes()?);
                    self.push(Object::Float(value));
                }
                b'X' => {
                    let text = self.text()?;
                    self.push(Object::Text(text));
                }
                b'c' => {
                    let global = self.global()?;
                    self.push(Object::Global(global));
                }
                b']' => self.push(Object::List(vec![])),
                b'}' => self.push(Object::Dict { ordered: false, entries: vec![] }),
                b')' => self.push(Object::Tuple(vec![])),
                0x85..=0x87 => {
                    let count = usize::from(code - 0x84);
                    let items = self.pop_many(count)?;
                    self.push(Object::Tuple(items));
                }
                b't' => {
                    let items = self.pop_group()?;
                    self.push(Object::Tuple(items));
                }
                b'(' => self.marks.push(self.stack.len()),
                b'q' => {
                    let [slot] = self.bytes()?;
                    self.remember(slot.into())?;
                }
                b'r' => {
                    let slot = u32::from_le_bytes(self.bytes()?);
                    self.remember(slot)?;
                }
                b'h' => {
                    let [slot] = self.bytes()?;
                    self.recall(slot.into())?;
                }
                b'j' => {
                    let slot = u32::from_le_bytes(self.bytes()?);
                    self.recall(slot)?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' => {
                    let items = self.pop_group()?;
                    self.append(items)?;
                }
                b's' => {
                    let items = self.pop_many(2)?;
                    self.set_items(&items)?;
                }
                b'u' => {
                    let items = self.pop_group()?;
                    self.set_items(&items)?;
                }
                b'b' => self.build()?,
                b'R' => self.reduce()?,
                b'Q' => self.storage()?,
                b'.' => return self.finish(),
                _ => return Err(Stop::Odd(format!("the instruction {code:#04x}"))),
            }
        }
    }

    fn bytes<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], Stop> {
        let bytes = self.pickle.get(self.at..).and_then(|rest| rest.first_chunk()).ok_or("the end comes too early")?;
        self.at += COUNT;
        Ok(*bytes)
    }

    fn slice(&mut self, count: usize) -> Result<&[u8], Stop> {
        let slice = self.pickle.get(self.at..).and_then(|rest| rest.get(..count)).ok_or("the end comes too early")?;
        self.at += count;
        Ok(slice)
    }

    fn text(&mut self) -> Result<String, Stop> {
        let count = u32::from_le_bytes(self.bytes()?) as usize;
        let bytes = self.slice(count)?;
        Ok(std::str::from_utf8(bytes).map_err(|_| "a text that is not UTF-8")?.to_owned())
    }

    /// A little-endian two's complement integer of up to 8 bytes.
    fn long(&mut self) -> Result<i64, Stop> {
        let [count] = self.bytes()?;
        let bytes = self.slice(count.into())?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut value = if negative { [0xff; 8] } else { [0; 8] };
        value.get_mut(..bytes.len()).ok_or("an integer of more than 64 bits")?.copy_from_slice(bytes);
        Ok(i64::from_le_bytes(value))
    }

    fn line(&mut self) -> Result<&str, Stop> {
        let rest = self.pickle.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or("the end comes too early")?;
        let line = rest.get(..length).unwrap_or_default();
        self.at += length + 1;
        std::str::from_utf8(line).map_err(|_| "a name that is not UTF-8".into())
    }

    fn global(&mut self) -> Result<Global, Stop> {
        let module = self.line()?.to_owned();
        let name = self.line()?;
        match (module.as_str(), name) {
            ("collections", "OrderedDict") => Some(Global::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Some(Global::RebuildTensor),
            ("torch", class) => ElementKind::of_class(class).map(Global::Storage),
            _ => None,
        }
        .ok_or_else(|| {
            let shown: String = format!("{module}.{name}").chars().take(80).collect();
            Stop::Odd(format!("the global {shown:?}, which is not part of weight files"))
        })
    }

    fn push(&mut self, object: Object) {
        let index = self.objects.add(object);
        self.stack.push(index);
    }

    fn pop(&mut self) -> Result<usize, Stop> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err("an item is missing".into());
        }
        self.stack.pop().ok_or("an item is missing".into())
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<usize>, Stop> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        Ok(items)
    }

    fn pop_group(&mut self) -> Result<Vec<usize>, Stop> {
        let mark = self.marks.pop().ok_or("a group without a start")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn top(&self) -> Result<usize, Stop> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err("an item is missing".into());
        }
        self.stack.last().copied().ok_or("an item is missing".into())
    }

    fn object(&self, index: usize) -> Result<&Object, Stop> {
        self.objects.get(index).ok_or("a reference to nothing".into())
    }

    fn remember(&mut self, slot: u32) -> Result<(), Stop> {
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<(), Stop> {
        let index = *self.memo.get(&slot).ok_or("a reference to nothing")?;
        self.stack.push(index);
        Ok(())
    }

    fn append(&mut self, items: Vec<usize>) -> Result<(), Stop> {
        let top = self.top()?;
        match self.objects.get_mut(top) {
            Some(Object::List(list)) => {
                list.extend(items);
                Ok(())
            }
            _ => Err("items for something that is not a list".into()),
        }
    }

    fn set_items(&mut self, items: &[usize]) -> Result<(), Stop> {
        let (pairs, rest) = items.as_chunks::<2>();
        let top = self.top()?;
        match self.objects.get_mut(top) {
            Some(Object::Dict { entries, .. }) if rest.is_empty() => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            _ => Err("entries for something that is not a mapping".into()),
        }
    }

    /// Python attributes of an ordered mapping, such as the versions of its modules; they mean nothing here.
    fn build(&mut self) -> Result<(), Stop> {
        let attributes = self.pop()?;
        let target = self.top()?;
        match (self.object(target)?, self.object(attributes)?) {
            (Object::Dict { ordered: true, .. }, Object::Dict { .. }) => Ok(()),
            _ => Err("attributes for something that has none".into()),
        }
    }

    fn reduce(&mut self) -> Result<(), Stop> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let Object::Tuple(arguments) = self.object(arguments)? else { return Err("a call without arguments".into()) };
        let object = match (self.object(callee)?, arguments.as_slice()) {
            (Object::Global(Global::OrderedDict), []) => Object::Dict { ordered: true, entries: vec![] },
            (Object::Global(Global::RebuildTensor), [storage, offset, shape, strides, _requires_grad, _hooks]) => {
                Object::Tensor(Box::new(self.tensor(*storage, *offset, *shape, *strides)?))
            }
            _ => return Err("a call that weight files do not make".into()),
        };
        self.push(object);
        Ok(())
    }

    fn tensor(&self, storage: usize, offset: usize, shape: usize, strides: usize) -> Result<TensorReference, Stop> {
        let Object::Storage { kind, key, elements } = self.object(storage)? else {
            return Err("a tensor without a storage".into());
        };
        let view = View::new(self.count(offset)?, self.counts(shape)?, self.counts(strides)?, *elements)?;
        Ok(TensorReference { kind: *kind, key: key.clone(), elements: *elements, view })
    }

    fn count(&self, index: usize) -> Result<usize, Stop> {
        match self.object(index)? {
            Object::Int(value) => usize::try_from(*value).map_err(|_| "a negative size".into()),
            _ => Err("a size that is not an integer".into()),
        }
    }

    fn counts(&self, index: usize) -> Result<Vec<usize>, Stop> {
        match self.object(index)? {
            Object::Tuple(items) if items.len() <= MOST_AXES => items.iter().map(|item| self.count(*item)).collect(),
            _ => Err("a shape that is not a short tuple".into()),
        }
    }

    /// The persistent id of a storage: `("storage", class, key, device, elements)`. The device is not looked at.
    fn storage(&mut self) -> Result<(), Stop> {
        let id = self.pop()?;
        let Object::Tuple(parts) = self.object(id)? else { return Err("a storage without a description".into()) };
        let [tag, class, key, _device, elements] = parts[..] else {
            return Err("a storage without a description".into());
        };
        let (Object::Text(tag), Object::Global(Global::Storage(kind)), Object::Text(key)) =
            (self.object(tag)?, self.object(class)?, self.object(key)?)
        else {
            return Err("a storage without a description".into());
        };
        if tag != "storage" || key.len() > LONGEST_KEY {
            return Err("a reference to something other than a storage".into());
        }
        let object = Object::Storage { kind: *kind, key: key.clone(), elements: self.count(elements)? };
        self.push(object);
        Ok(())
    }

    fn finish(&mut self) -> Result<usize, Stop> {
        let result = self.pop()?;
        if !self.stack.is_empty() || !self.marks.is_empty() {
            return Err("items are left over".into());
        }
        Ok(result)
    }
}
