//! Reading a file key by key. Errors name file, line and key; keys that nobody asked for are remarked on.

use super::places::{KeyPath, Place, Places, in_file};
use crate::error::{Error, Result};
use crate::suggest::nearest;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt::Display;
use std::path::Path;

/// A parsed file being read key by key; collects remarks about keys that nobody asked for.
pub struct Document<'a> {
    file: &'a Path,
    places: Option<&'a Places>,
    notes: RefCell<Vec<Note>>,
    refused: RefCell<Option<Refusal>>,
}

/// A remark on a key that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The key.
    pub path: KeyPath,
    /// Where it stands.
    pub place: Option<Place>,
    /// What there is to say.
    pub text: String,
    /// Whether it resembles a known key, and so is likely a slip.
    pub is_slip: bool,
}

/// The value or key that the latest error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The way to it.
    pub path: KeyPath,
    /// Where it stands; for a missing key, the object that lacks it.
    pub place: Option<Place>,
    /// Whether the key itself should not be there.
    pub is_unknown_key: bool,
}

impl<'a> Document<'a> {
    /// The file that is read.
    pub fn file(&self) -> &'a Path {
        self.file
    }

    /// A document whose errors name `file`.
    pub fn new(file: &'a Path) -> Self {
        Self { file, places: None, notes: RefCell::default(), refused: RefCell::default() }
    }

    /// The same, with errors that also name lines.
    pub fn with_places(self, places: &'a Places) -> Self {
        Self { places: Some(places), ..self }
    }

    /// The top of the file, which must be an object.
    pub fn root<'b>(&'b self, value: &'b Value) -> Result<Section<'b>> {
        let Value::Object(entries) = value else {
            return Err(Error::new("the file does not hold a JSON object").at(self.file).because(shown(value)));
        };
        Ok(Section { document: self, path: KeyPath::default(), entries, asked: RefCell::new(Vec::new()) })
    }

    /// Remarks on keys that are not known but look like misspelled ones.
    pub fn into_remarks(self) -> Vec<String> {
        self.into_notes().into_iter().filter(|note| note.is_slip).map(|note| note.text).collect()
    }

    /// Remarks on all keys that are not known.
    pub fn into_notes(self) -> Vec<Note> {
        self.notes.into_inner()
    }

    /// What the latest error is about, where it is about one value.
    pub fn refused(&self) -> Option<Refusal> {
        self.refused.borrow().clone()
    }

    fn place(&self, path: &KeyPath) -> Option<Place> {
        self.places.and_then(|places| places.of(path))
    }

    /// An error about what has this path; `at` is what shows where that is.
    fn error(&self, what: String, path: KeyPath, at: &KeyPath, is_unknown_key: bool) -> Error {
        let place = self.place(at);
        self.refused.replace(Some(Refusal { path, place, is_unknown_key }));
        Error::new(what).at(in_file(self.file, place))
    }
}

/// One object of the file. Remembers which keys were asked for, so that the others can be told from them.
pub struct Section<'a> {
    document: &'a Document<'a>,
    path: KeyPath,
    entries: &'a Map<String, Value>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// A value that must be there (null counts as there).
    pub fn required(&self, key: &'static str) -> Result<Field<'a>> {
        if let Some(field) = self.optional(key) {
            return Ok(field);
        }
        let path = self.path.key(key);
        let error = self.document.error(format!("`{path}` is missing"), path, &self.path, false);
        let unasked = self.entries.keys().map(String::as_str).filter(|other| !self.asked.borrow().contains(other));
        Err(match nearest(key, unasked) {
            Some(similar) => error.hint(format!("is `{}` meant to be `{key}`?", self.path.key(similar))),
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
        let path = self.path.key(key);
        let error = self
            .document
            .error(format!("`{path}` is not a known key"), path.clone(), &path, true)
            .because(format!("known here: {listed}"));
        match nearest(key, known.iter().copied()) {
            Some(known) => error.hint(format!("did you mean `{known}`?")),
            None => error,
        }
    }

    /// Remarks on keys that nobody asked for, above all on those that look like one that somebody did ask for.
    pub fn note_unknown(&self) {
        let known = self.asked.borrow();
        for key in self.entries.keys().filter(|key| !known.contains(&key.as_str())) {
            let (present, absent): (Vec<&str>, Vec<&str>) =
                known.iter().copied().partition(|known| self.entries.contains_key(*known));
            let path = self.path.key(key);
            let (is_slip, text) = match (nearest(key, absent), nearest(key, present)) {
                (Some(known), _) => (true, format!("`{path}` is not a known key; did you mean `{known}`?")),
                (None, Some(known)) => {
                    (true, format!("`{path}` is not a known key and has no effect; `{known}` beside it has"))
                }
                (None, None) => (false, format!("`{path}` is not a known key")),
            };
            let place = self.document.place(&path);
            self.document.notes.borrow_mut().push(Note { path, place, text, is_slip });
        }
    }

    fn unknown(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().map(String::as_str).filter(|key| !self.asked.borrow().contains(key))
    }

    fn field(&self, key: &str, value: &'a Value) -> Field<'a> {
        Field { document: self.document, path: self.path.key(key), value }
    }
}

/// One value of the file with its place; turns into a typed value or into an error that says what is allowed.
pub struct Field<'a> {
    document: &'a Document<'a>,
    path: KeyPath,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// The error for a value that is not what `allowed` says ("one of …", "a number above 0").
    pub fn refuse(&self, allowed: impl Display) -> Error {
        let what = format!("`{}` is {}", self.path, shown(self.value));
        self.document.error(what, self.path.clone(), &self.path, false).because(format!("it must be {allowed}"))
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
        let place = |(position, value)| Field { document: self.document, path: self.path.item(position), value };
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
