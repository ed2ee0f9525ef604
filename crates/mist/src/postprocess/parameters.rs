//! Parameters of transforms: what there is, and what a step of a strategy says.

use crate::suggest;
use serde_json::{Map, Value, json};

/// What can be set, and within what limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer {
        /// Without a word about it.
        default: i64,
        /// The smallest.
        min: i64,
    },
    /// A label, 0 to 255.
    Label {
        /// Without a word about it.
        default: u8,
    },
    /// Yes or no.
    Boolean {
        /// Without a word about it.
        default: bool,
    },
}

/// A parameter of a transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its key under `kwargs`.
    pub name: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// What it does, for people.
    pub description: &'static str,
}

/// The `kwargs` of a step, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    given: Map<String, Value>,
}

impl Parameter {
    /// As the reference describes it: type, default and smallest value.
    pub fn describe(&self) -> Value {
        let description = self.description;
        match self.kind {
            Kind::Integer { default, min } => {
                json!({ "type": "int", "description": description, "default": default, "min": min })
            }
            Kind::Label { default } => {
                json!({ "type": "int", "description": description, "default": default, "min": 0 })
            }
            Kind::Boolean { default } => json!({ "type": "bool", "description": description, "default": default }),
        }
    }

    /// What values there are, for an error message.
    fn allowed(&self) -> String {
        match self.kind {
            Kind::Integer { min, .. } => format!("a whole number, {min} or more"),
            Kind::Label { .. } => "a label, 0 to 255".to_owned(),
            Kind::Boolean { .. } => "true or false".to_owned(),
        }
    }

    fn allows(&self, value: &Value) -> bool {
        match self.kind {
            Kind::Integer { min, .. } => value.as_i64().is_some_and(|value| value >= min),
            Kind::Label { .. } => value.as_u64().is_some_and(|value| value <= 255),
            Kind::Boolean { .. } => value.is_boolean(),
        }
    }
}

impl Parameters {
    /// Checks what a step says of a transform with these parameters. What is wrong, as a sentence; with what is right,
    /// remarks on keys that mean nothing.
    pub fn check(given: Map<String, Value>, known: &[Parameter]) -> Result<(Self, Vec<String>), String> {
        let mut remarks = Vec::new();
        for (key, value) in &given {
            match known.iter().find(|parameter| parameter.name == key) {
                Some(parameter) if !parameter.allows(value) => {
                    return Err(format!("`{key}` is {value}, it must be {}", parameter.allowed()));
                }
                Some(_) => {}
                None => {
                    let nearest = suggest::nearest(key, known.iter().map(|parameter| parameter.name));
                    let hint = nearest.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
                    remarks.push(format!("`{key}` is no parameter and ignored{hint}"));
                }
            }
        }
        Ok((Self { given }, remarks))
    }

    /// What the step says, as it stands there.
    pub fn given(&self) -> &Map<String, Value> {
        &self.given
    }

    /// The value of a whole number or label.
    pub fn integer(&self, parameter: &Parameter) -> i64 {
        let given = self.given.get(parameter.name).and_then(Value::as_i64);
        given.unwrap_or(match parameter.kind {
            Kind::Integer { default, .. } => default,
            Kind::Label { default } => default.into(),
            Kind::Boolean { default } => default.into(),
        })
    }

    /// The value of a label.
    pub fn label(&self, parameter: &Parameter) -> u8 {
        self.integer(parameter).clamp(0, 255) as u8
    }

    /// The answer to yes or no.
    pub fn boolean(&self, parameter: &Parameter) -> bool {
        let given = self.given.get(parameter.name).and_then(Value::as_bool);
        given.unwrap_or(matches!(parameter.kind, Kind::Boolean { default: true }))
    }
}
