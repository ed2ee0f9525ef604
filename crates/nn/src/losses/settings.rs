//! What a loss is built from: the run's spacing and `training.loss.params`.

use super::Classes;
use serde_json::{Map, Value};

/// The key that every loss knows.
const EXCLUDE_BACKGROUND: &str = "exclude_background";

/// Why a loss cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// A key that the loss does not know.
    #[error("unknown parameter `{key}`; allowed: {allowed}")]
    Unknown {
        /// The key.
        key: String,
        /// Keys that it knows, separated by commas.
        allowed: String,
    },
    /// A value of the wrong type or out of range.
    #[error("`{key}` is {found}, expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value as JSON.
        found: String,
        /// What would do.
        expected: String,
    },
}

/// Spacing and parameters for building a loss.
#[derive(Clone, Debug, PartialEq)]
pub struct LossSettings {
    /// Voxel spacing along the array's axes, in millimetres.
    pub spacing: [f64; 3],
    /// `training.loss.params`.
    pub parameters: Map<String, Value>,
}

impl LossSettings {
    /// No parameters: every loss takes its defaults.
    pub fn with_spacing(spacing: [f64; 3]) -> Self {
        Self { spacing, parameters: Map::new() }
    }

    /// Which classes the region terms average over; `exclude_background`, by default all.
    pub fn classes(&self) -> Result<Classes, SettingsError> {
        match self.parameters.get(EXCLUDE_BACKGROUND) {
            None | Some(Value::Bool(false)) => Ok(Classes::All),
            Some(Value::Bool(true)) => Ok(Classes::Foreground),
            Some(other) => Err(wrong(EXCLUDE_BACKGROUND, other, "true or false")),
        }
    }

    /// A number above 0, also as an f32.
    pub fn positive(&self, key: &'static str, default: f64) -> Result<f64, SettingsError> {
        let Some(value) = self.parameters.get(key) else { return Ok(default) };
        let number = value.as_f64().filter(|number| *number as f32 > 0.0 && (*number as f32).is_finite());
        number.ok_or_else(|| wrong(key, value, "a number above 0"))
    }

    /// A number above 0, or `None` for the word `auto` in any case, which is the default.
    pub fn positive_or_auto(&self, key: &'static str) -> Result<Option<f64>, SettingsError> {
        match self.parameters.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("auto") => Ok(None),
            Some(value) => {
                let number = value.as_f64().filter(|number| *number > 0.0);
                number.map(Some).ok_or_else(|| wrong(key, value, "a number above 0 or \"auto\""))
            }
        }
    }

    /// A whole number, 0 to `most`.
    pub fn count(&self, key: &'static str, default: usize, most: usize) -> Result<usize, SettingsError> {
        let Some(value) = self.parameters.get(key) else { return Ok(default) };
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= most);
        count.ok_or_else(|| wrong(key, value, format!("a whole number from 0 to {most}")))
    }

    pub(super) fn refuse_unknown(&self, known: &[&str]) -> Result<(), SettingsError> {
        let allowed = || known.iter().copied().chain([EXCLUDE_BACKGROUND]);
        match self.parameters.keys().find(|key| !allowed().any(|known| known == key.as_str())) {
            None => Ok(()),
            Some(key) => {
                Err(SettingsError::Unknown { key: key.clone(), allowed: allowed().collect::<Vec<_>>().join(", ") })
            }
        }
    }
}

fn wrong(key: &'static str, value: &Value, expected: impl Into<String>) -> SettingsError {
    SettingsError::Value { key, found: value.to_string(), expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;
    use serde_json::json;

    fn build(loss: &str, parameters: Value) -> Result<(), String> {
        let Value::Object(parameters) = parameters else { panic!("an object") };
        let settings = LossSettings { spacing: [1.0; 3], parameters };
        let entry = Registry::builtin().find_loss(loss).expect("a known loss");
        entry.build(&settings).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn unknown_and_wrong_parameters_are_errors() {
        assert_eq!(build("dice", json!({ "exclude_background": true })), Ok(()));
        let error = build("dice", json!({ "tau": 2 })).unwrap_err();
        assert_eq!(error, "unknown parameter `tau`; allowed: exclude_background");
        let error = build("dice", json!({ "exclude_background": 1 })).unwrap_err();
        assert_eq!(error, "`exclude_background` is 1, expected true or false");
    }
}
