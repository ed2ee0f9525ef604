//! The labels of the masks, and what people call them.

use crate::config::Config;
use serde_json::{Value, json};

/// The labels of a run. Masks are shown as positions in this list; the background is 0.
pub(crate) struct Labels {
    values: Vec<i64>,
    names: Vec<String>,
    ignored: Option<u8>,
}

/// Shown for values that are no label. No list is so long that a label has this position, unless all 256 bytes are labels,
/// and then there is no other byte.
pub(crate) const STRANGER: u8 = 255;

impl Labels {
    pub(crate) fn of(config: &Config) -> Self {
        let values = config.dataset_info.labels.clone();
        let ignored = values.iter().position(|label| Some(*label) == config.training.ignore_label);
        let names = values.iter().map(|label| name(*label, config)).collect();
        Self { values, names, ignored: ignored.and_then(|position| u8::try_from(position).ok()) }
    }

    /// Position of the label with this value; [`STRANGER`] where there is none.
    pub(crate) fn position(&self, value: f32) -> u8 {
        let found = self.values.iter().position(|label| *label as f32 == value);
        found.and_then(|position| u8::try_from(position).ok()).unwrap_or(STRANGER)
    }

    /// What people call the label at a position.
    pub(crate) fn name(&self, position: u8) -> &str {
        self.names.get(usize::from(position)).map_or("no label", String::as_str)
    }

    /// What people call the labels, in order.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The position of the label for voxels that nobody has looked at.
    pub(crate) fn ignored(&self) -> Option<u8> {
        self.ignored
    }

    /// For the page: the value and name of every label, in order.
    pub(crate) fn to_json(&self) -> Value {
        self.values.iter().zip(&self.names).map(|(value, name)| json!({ "value": value, "name": name })).collect()
    }
}

/// The evaluated class that is this label alone, or else the bare number, with the classes that it is a part of.
fn name(label: i64, config: &Config) -> String {
    if label == 0 {
        return "background".to_owned();
    }
    if config.training.ignore_label == Some(label) {
        return format!("ignored ({label})");
    }
    let classes = &config.evaluation.classes;
    match classes.iter().find(|class| class.labels == [label]) {
        Some(class) => class.name.clone(),
        None => {
            let around: Vec<&str> =
                classes.iter().filter(|class| class.labels.contains(&label)).map(|class| class.name.as_str()).collect();
            if around.is_empty() { format!("label {label}") } else { format!("label {label} ({})", around.join(", ")) }
        }
    }
}
