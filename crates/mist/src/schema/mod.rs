//! `schema`: what may stand in `config.json` and `dataset.json`, as JSON Schema (draft 2020-12), for editors and other
//! programs.
//!
//! Names come from the tables that the readers use; a test compares keys, values and limits with what the readers take.
//! What depends on two places of a file (a label that the data set must have) only the readers check.

mod config;
mod dataset;
mod node;
mod training;

pub use config::config;
pub use dataset::dataset;

use crate::config::Choices;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use mist_nn::Registry;
use serde_json::{Map, Value};

/// A file with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// `config.json`
    Config,
    /// `dataset.json`
    Dataset,
}

/// Prints the schema of a file.
pub fn run(file: File, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    let schema = match file {
        File::Config => config(&Choices::of(registry)),
        File::Dataset => dataset(),
    };
    let text = serde_json::to_string_pretty(&schema);
    console.info(&text.map_err(|error| Error::new("cannot write the schema").because(error))?);
    Ok(Vec::new())
}

/// Writes what a key has in a new file beside its description.
fn add_defaults(schema: &mut Value, defaults: &Value) {
    let (Some(properties), Value::Object(defaults)) = (schema.get_mut("properties"), defaults) else { return };
    for (key, default) in defaults {
        match (properties.get_mut(key), default) {
            (Some(property), Value::Object(_)) => add_defaults(property, default),
            (Some(Value::Object(property)), _) => drop(property.insert("default".to_owned(), default.clone())),
            _ => {}
        }
    }
}

/// The keys of an object as it is written.
fn as_map(value: impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
