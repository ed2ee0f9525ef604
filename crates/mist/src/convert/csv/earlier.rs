//! What the user has written into the description of an earlier conversion.

use super::super::description::Description;
use crate::error::{Error, Result};
use crate::json;
use serde_json::{Map, Value};
use std::path::Path;

/// Where the cases lie; true for the conversion at hand only.
const PLACES: [&str; 2] = ["train-data", "test-data"];

/// The keys of a description that was there before.
pub struct Earlier(Map<String, Value>);

impl Earlier {
    /// Reads it before anything is replaced; there may be none.
    pub fn read(path: &Path) -> Result<Self> {
        const HINT: &str = "mend the file, or remove it if nothing in it is to be kept";
        if !path.is_file() {
            return Ok(Self(Map::new()));
        }
        match json::read(path).map_err(|error| error.hint(HINT))? {
            Value::Object(keys) => Ok(Self(keys)),
            _ => Err(Error::new("the earlier description is no JSON object").at(path).hint(HINT)),
        }
    }

    /// The new description, with what it leaves open filled in as before, and keys of the user at its end. Returns the names of
    /// these too.
    pub fn carried_over(self, description: &Description) -> (Value, Vec<String>) {
        let mut value = description.to_value();
        let mut kept = Vec::new();
        let Value::Object(keys) = &mut value else { return (value, kept) };
        for (key, earlier) in self.0 {
            let is_open = keys.get(&key).map_or(!PLACES.contains(&key.as_str()), Value::is_null);
            if is_open && !earlier.is_null() {
                keys.insert(key.clone(), earlier);
                kept.push(key);
            }
        }
        (value, kept)
    }
}
