//! `describe-transforms`: what strategy files can ask for.

use super::parameters::Parameter;
use super::transforms::{TRANSFORMS, Transform};
use crate::console::Console;
use crate::json;
use serde_json::{Map, Value, json};

/// Prints the transforms and their parameters: as a text for people, or as JSON as the reference describes them.
pub fn run(as_json: bool, console: &dyn Console) {
    match as_json {
        true => console.info(json::to_text(&descriptions()).trim_end()),
        false => console.info(&TRANSFORMS.iter().map(paragraph).collect::<Vec<_>>().join("\n\n")),
    }
}

/// All transforms: `name`, `description`, `per_label`, and `kwargs` by name.
pub fn descriptions() -> Value {
    let describe = |transform: &Transform| {
        let kwargs: Map<String, Value> =
            transform.parameters.iter().map(|parameter| (parameter.name.to_owned(), parameter.describe())).collect();
        json!({
            "name": transform.name,
            "description": transform.description,
            "per_label": if transform.per_label_only { "per_label_only" } else { "both" },
            "kwargs": kwargs,
        })
    };
    TRANSFORMS.iter().map(describe).collect()
}

fn paragraph(transform: &Transform) -> String {
    let mode = if transform.per_label_only { "on each label by itself" } else { "on each label, or on their union" };
    let line = |parameter: &Parameter| {
        let details = parameter.describe();
        format!("    {} (default {}): {}", parameter.name, details["default"], parameter.description)
    };
    let lines: Vec<String> = transform.parameters.iter().map(line).collect();
    format!("{}\n  {} Works {mode}.\n{}", transform.name, transform.description, lines.join("\n"))
}
