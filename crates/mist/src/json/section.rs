use crate::error::{Error, Result};
use crate::suggest::nearest;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt::Display;
use std::path::Path;

/// A parsed file being read key by key; collects remarks about keys that nobody asked for.
pub struct Document<'a> {
    file: &'a Path,
    remarks: RefCell<Vec<String>>,
}

impl<'a> Document<'a> {
    /// A document whose errors name `file`.
    pub fn new(file: &'a Path) -> Self {
        Self { file, remarks: RefCell::new(Vec::new()) }
    }

    /// The top of the file, which must be an object.
    pub fn root<'b>(&'b self, value: &'b Value) -> Result<Section<'b>> {
        let Value::Object(entries) = value else {
            return Err(Error::new("the file does not hold a JSON object").at(self.file).because(shown(value)));
        };
        Ok(Section { document: self, path: String::new(), entries, asked: RefCell::new(Vec::new()) })
    }

    /// Remarks on keys that are not known but look like misspelled ones.
    pub fn into_remarks(self) -> Vec<String> {
        self.remarks.into_inner()
    }
}

/// One object of the file. Remembers which keys were asked for, so that the others can be told from them.
pub struct Section<'a> {
    document: &'a Document<'a>,
    path: String,
    entries: &'a Map<String, Value>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// A value that must be there (null counts as there).
    pub fn required(&self, key: &'static str) -> Result<Field<'a>> {
        if let Some(field) = self.optional(key) {
            return Ok(field);
        }
        let error = Error::new(format!("`{}` is missing", self.path_of(key))).at(self.document.file);
        let unasked = self.entries.keys().map(String::as_str).filter(|other| !self.asked.borrow().contains(other));
        Err(match nearest(key, unasked) {
            Some(similar) => error.hint(format!("is `{}` meant to be `{key}`?", self.path_of(similar))),
            None => error,
        })
    }

    /// A value that may be absent; null counts as a value.
    pub fn optional(&self, key: &'static str) -> Option<Field<'a>> {
        self.asked.borrow_mut().push(key);
        self.entries.get(key).map(|value| self.field(key, value))
    }

    /// All values, in file order, with their keys.
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), self.field(key, value)))
    }

    /// True where the object has no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries that nobody asked for.
    pub fn others(&self) -> Map<String, Value> {
        self.unknown().map(|key| (key.to_owned(), self.entries.get(key).cloned().unwrap_or_default())).collect()
    }

    /// Fails where there is a key that nobody asked for.
    pub fn refuse_unknown(&self) -> Result<()> {
        match self.unknown().next() {
            Some(key) => Err(self.unknown_key(key, &self.asked.borrow())),
            None => Ok(()),
        }
    }

    /// The error for a key that is none of `known`.
    pub fn unknown_key(&self, key: &str, known: &[&str]) -> Error {
        let listed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let error = Error::new(format!("`{}` is not a known key", self.path_of(key)))
            .at(self.document.file)
            .because(format!("known here: {listed}"));
        match nearest(key, known.iter().copied()) {
            Some(known) => error.hint(format!("did you mean `{known}`?")),
            None => error,
        }
    }

    /// Remarks on keys that nobody asked for and that look like one that somebody did ask for.
    pub fn note_unknown(&self) {
        let known = self.asked.borrow();
        for key in self.entries.keys().filter(|key| !known.contains(&key.as_str())) {
            let (present, absent): (Vec<&str>, Vec<&str>) =
                known.iter().copied().partition(|known| self.entries.contains_key(*known));
            let path = self.path_of(key);
            let remark = match (nearest(key, absent), nearest(key, present)) {
                (Some(known), _) => format!("`{path}` is not a known key; did you mean `{known}`?"),
                (None, Some(known)) => {
                    format!("`{path}` is not a known key and has no effect; `{known}` beside it has")
                }
                (None, None) => continue,
            };
            self.document.remarks.borrow_mut().push(remark);
        }
    }

    fn unknown(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().map(String::as_str).filter(|key| !self.asked.borrow().contains(key))
    }

    fn field(&self, key: &str, value: &'a Value) -> Field<'a> {
        Field { document: self.document, path: self.path_of(key), value }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// One value of the file with its place; turns into a typed value or into an error that says what is allowed.
pub struct Field<'a> {
    document: &'a Document<'a>,
    path: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// The error for a value that is not what `allowed` says ("one of …", "a number above 0").
    pub fn refuse(&self, allowed: impl Display) -> Error {
        Error::new(format!("`{}` is {}", self.path, shown(self.value)))
            .at(self.document.file)
            .because(format!("it must be {allowed}"))
    }

    /// The value as it stands.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// None for null.
    pub fn or_null(self) -> Option<Self> {
        (!self.value.is_null()).then_some(self)
    }

    /// Text.
    pub fn string(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.refuse("a string"))
    }

    /// True or false.
    pub fn boolean(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.refuse("true or false"))
    }

    /// A whole number that passes `fits`; `allowed` describes it.
    pub fn integer(&self, allowed: &str, fits: impl Fn(i64) -> bool) -> Result<i64> {
        self.value.as_i64().filter(|value| fits(*value)).ok_or_else(|| self.refuse(allowed))
    }

    /// A whole number of at least `minimum`.
    pub fn count(&self, minimum: usize) -> Result<usize> {
        let count = self.value.as_u64().and_then(|value| usize::try_from(value).ok());
        count
            .filter(|count| *count >= minimum)
            .ok_or_else(|| self.refuse(format_args!("a whole number, {minimum} or more")))
    }

    /// A number that passes `fits`; `allowed` describes it. Whole numbers count as numbers.
    pub fn number(&self, allowed: &str, fits: impl Fn(f64) -> bool) -> Result<f64> {
        self.value.as_f64().filter(|value| fits(*value)).ok_or_else(|| self.refuse(allowed))
    }

    /// One of `known`, spelled exactly so.
    pub fn choice(&self, known: &[impl AsRef<str>]) -> Result<&'a str> {
        let text = self.value.as_str();
        match text.filter(|text| known.iter().any(|name| name.as_ref() == *text)) {
            Some(text) => Ok(text),
            None => Err(self.not_among(known)),
        }
    }

    /// One of `known`, or any text where there is no such list.
    pub fn choice_if_listed(&self, known: Option<&[String]>) -> Result<&'a str> {
        known.map_or_else(|| self.string(), |known| self.choice(known))
    }

    /// One of `known` (lower case), in any case; returned in lower case.
    pub fn choice_in_any_case(&self, known: &[impl AsRef<str>]) -> Result<String> {
        let text = self.value.as_str().map(str::to_lowercase);
        match text.filter(|text| known.iter().any(|name| name.as_ref() == *text)) {
            Some(text) => Ok(text),
            None => Err(self.not_among(known)),
        }
    }

    fn not_among(&self, known: &[impl AsRef<str>]) -> Error {
        let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
        let error = self.refuse(format_args!("one of {}", names.join(", ")));
        match self.value.as_str().and_then(|text| nearest(text, names)) {
            Some(name) => error.hint(format!("did you mean \"{name}\"?")),
            None => error,
        }
    }

    /// The items of a list, each with its place (`labels[2]`).
    pub fn list(&self) -> Result<Vec<Field<'a>>> {
        let items = self.value.as_array().ok_or_else(|| self.refuse("a list"))?;
        let place =
            |(position, value)| Field { document: self.document, path: format!("{}[{position}]", self.path), value };
        Ok(items.iter().enumerate().map(place).collect())
    }

    /// The items of a list that must not be empty.
    pub fn filled_list(&self) -> Result<Vec<Field<'a>>> {
        let items = self.list()?;
        if items.is_empty() { Err(self.refuse("a list with at least one element")) } else { Ok(items) }
    }

    /// Three values, one per axis x, y, z.
    pub fn triple<T>(&self, read: impl Fn(&Field<'a>) -> Result<T>) -> Result<[T; 3]> {
        let items: Vec<T> = match self.value {
            Value::Array(_) => self.list()?.iter().map(read).collect::<Result<_>>()?,
            _ => Vec::new(),
        };
        items.try_into().map_err(|_| self.refuse("a list of three, one per axis x, y, z"))
    }

    /// An object.
    pub fn section(&self) -> Result<Section<'a>> {
        let entries = self.value.as_object().ok_or_else(|| self.refuse("an object { … }"))?;
        Ok(Section { document: self.document, path: self.path.clone(), entries, asked: RefCell::new(Vec::new()) })
    }
}

/// A value as an error shows it: compact, and cut where it is long.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(" …".chars()).collect()
}
