//! All problems of a file at once, from a reader that stops at the first: what it refuses is put right, and it reads again.

use super::places::{KeyPath, Place, Places};
use super::section::{Document, Note, Refusal};
use crate::error::Result;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Something that a file has wrong, or that its author may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about; None for the whole file.
    pub path: Option<KeyPath>,
    /// Where that stands.
    pub place: Option<Place>,
    /// What there is to say, the place left out.
    pub text: String,
}

/// More than any file of settings has; also the end of a search that does not come to one.
const MOST_PROBLEMS: usize = 1000;

/// All problems that a reader has with a file, though it stops at the first: what it refuses is noted and replaced by what
/// stands at the same place of a sound file (where nothing does, it is removed), and the file is read again.
///
/// `read` is the reader, `sound` makes a file that it takes and that fits the given one. Also returns what was read from the
/// mended file, with the keys that are not known, if it could be mended.
pub fn all_problems<T>(
    (file, value, places): (&Path, &Value, &Places),
    sound: impl Fn(&Value) -> Value,
    read: impl Fn(&Document, &Value) -> Result<T>,
) -> (Vec<Finding>, Option<(T, Vec<Note>)>) {
    let mut mended = value.clone();
    let mut problems = Vec::new();
    let mut refusals: HashMap<KeyPath, usize> = HashMap::new();
    for _ in 0..MOST_PROBLEMS {
        let document = Document::new(file).with_places(places);
        let error = match read(&document, &mended) {
            Ok(result) => return (problems, Some((result, document.into_notes()))),
            Err(error) => error,
        };
        let text = error.without_place();
        let Some(Refusal { path, place, is_unknown_key }) = document.refused() else {
            problems.push(Finding { path: None, place: None, text });
            return (problems, None);
        };
        // What is refused again is wrong together with its surroundings: more and more of these are replaced.
        let before = refusals.entry(path.clone()).or_insert(0);
        let steps = path.steps();
        let steps = steps.get(..steps.len().saturating_sub(*before)).unwrap_or_default();
        let is_new = *before == 0;
        *before += 1;
        if is_new {
            problems.push(Finding { path: Some(path.clone()), place, text });
        }
        match steps {
            [] => return (problems, None),
            _ if is_unknown_key && is_new => remove(&mut mended, &path),
            _ => {
                let sound = sound(&mended);
                mend(&mut mended, &sound, steps);
            }
        }
    }
    (problems, None)
}

/// Replaces what is at the end of these steps, or on the way to it where the files part.
fn mend(value: &mut Value, sound: &Value, steps: &[String]) {
    if let ([step, rest @ ..], Value::Object(entries), Value::Object(of_sound)) = (steps, &mut *value, sound) {
        match (entries.get_mut(step), of_sound.get(step)) {
            (_, None) => {
                entries.shift_remove(step);
                // An empty object may be a problem of its own, and one that is not in the file.
                if entries.is_empty() {
                    *entries = of_sound.clone();
                }
            }
            (Some(inner), Some(sound)) => mend(inner, sound, rest),
            (None, Some(sound)) => drop(entries.insert(step.clone(), sound.clone())),
        }
    } else {
        *value = sound.clone();
    }
}

/// Removes the key at the end of the path.
fn remove(value: &mut Value, path: &KeyPath) {
    let parent = path.pointer().rsplit_once('/').map_or("", |(parent, _)| parent);
    if let (Some(Value::Object(entries)), Some(key)) = (value.pointer_mut(parent), path.steps().last()) {
        entries.shift_remove(key);
    }
}
