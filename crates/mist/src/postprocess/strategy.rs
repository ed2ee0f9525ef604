//! Strategy files: a list of steps, checked before any mask is read.

use super::parameters::Parameters;
use super::transforms::{TRANSFORMS, Transform};
use crate::console::Console;
use crate::error::{Error, Result};
use crate::{json, suggest};
use serde_json::{Value, json};
use std::path::Path;

/// Steps in the order in which they are taken.
#[derive(Debug)]
pub struct Strategy {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// What is done.
    pub transform: &'static Transform,
    /// On which labels; −1 alone is all, where they are taken together.
    pub labels: Vec<i64>,
    /// On each label by itself, or on their union.
    pub per_label: bool,
    /// What the transform is told.
    pub parameters: Parameters,
}

impl Strategy {
    /// Reads and checks a file. What means nothing is remarked on.
    ///
    /// # Errors
    /// No such file, no JSON, or a step that cannot be taken; the message names the step and the key.
    pub fn load(path: &Path, console: &dyn Console) -> Result<Self> {
        let value = json::read(path)?;
        let (strategy, remarks) = Self::parse(&value).map_err(|why| {
            Error::new(why).at(path).hint("`mist describe-transforms` lists the transforms and their parameters")
        })?;
        remarks.iter().for_each(|remark| console.warn(&format!("{}: {remark}", path.display())));
        Ok(strategy)
    }

    /// The steps as a strategy file has them.
    pub fn describe(&self) -> Value {
        let describe = |step: &Step| {
            json!({
                "transform": step.transform.name,
                "apply_to_labels": step.labels,
                "per_label": step.per_label,
                "kwargs": step.parameters.given(),
            })
        };
        self.steps.iter().map(describe).collect()
    }

    /// The steps and remarks on them, or what is wrong first.
    pub fn parse(value: &Value) -> Result<(Self, Vec<String>), String> {
        let steps = value.as_array().ok_or("Strategy file must contain a list of strategy steps.")?;
        let mut remarks = Vec::new();
        let steps = steps.iter().enumerate().map(|(number, step)| {
            let (step, more) = Step::parse(step, number)?;
            remarks.extend(more.into_iter().map(|remark| format!("step {number}: {remark}")));
            Ok(step)
        });
        Ok((Self { steps: steps.collect::<Result<_, String>>()? }, remarks))
    }
}

impl Step {
    fn parse(step: &Value, number: usize) -> Result<(Self, Vec<String>), String> {
        let key = |key: &str| step.get(key).ok_or_else(|| format!("Missing '{key}' key in step {number}."));
        let (transform, labels, per_label) = (key("transform")?, key("apply_to_labels")?, key("per_label")?);
        let integers = |labels: &Vec<Value>| labels.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>();
        let labels = labels
            .as_array()
            .and_then(integers)
            .ok_or_else(|| format!("'apply_to_labels' in step {number} must be a list of integers."))?;
        let per_label =
            per_label.as_bool().ok_or_else(|| format!("'per_label' in step {number} must be a boolean."))?;
        let transform = find(transform, number)?;
        if transform.per_label_only && !per_label {
            return Err(format!("'{}' in step {number} works with `per_label: true` only.", transform.name));
        }
        let given = match step.get("kwargs") {
            None | Some(Value::Null) => serde_json::Map::new(),
            Some(Value::Object(given)) => given.clone(),
            Some(_) => return Err(format!("'kwargs' in step {number} must be an object.")),
        };
        let (parameters, mut remarks) =
            Parameters::check(given, transform.parameters).map_err(|why| format!("In step {number}, {why}."))?;
        if per_label && labels.contains(&-1) {
            remarks.push("-1 stands for all labels only with `per_label: false`; here it names none".to_owned());
        }
        Ok((Self { transform, labels, per_label, parameters }, remarks))
    }
}

fn find(name: &Value, number: usize) -> Result<&'static Transform, String> {
    let typed = name.as_str().unwrap_or_default();
    if let Some(transform) = TRANSFORMS.iter().find(|transform| transform.name == typed) {
        return Ok(transform);
    }
    let mut names: Vec<&str> = TRANSFORMS.iter().map(|transform| transform.name).collect();
    names.sort_unstable();
    let nearest = suggest::nearest(typed, names.iter().copied());
    let meant = nearest.map_or(String::new(), |name| format!(" Did you mean '{name}'?"));
    Err(format!("Unknown transform {name} in step {number}. Available: [{}].{meant}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(step: Value) -> String {
        Strategy::parse(&json!([step])).err().unwrap()
    }

    #[test]
    fn the_first_violation_is_named_with_its_step() {
        assert_eq!(Strategy::parse(&json!({})).unwrap_err(), "Strategy file must contain a list of strategy steps.");
        assert_eq!(wrong(json!(3)), "Missing 'transform' key in step 0.");
        assert_eq!(wrong(json!({ "transform": "x" })), "Missing 'apply_to_labels' key in step 0.");
        assert_eq!(wrong(json!({ "transform": "x", "apply_to_labels": [1] })), "Missing 'per_label' key in step 0.");
        let step = |transform: &str, kwargs: Value| json!({ "transform": transform, "apply_to_labels": [1], "per_label": false, "kwargs": kwargs });
        let text = wrong(step("remove_smal_objects", json!({})));
        assert!(
            text.contains("Available: [fill_holes") && text.ends_with("Did you mean 'remove_small_objects'?"),
            "{text}"
        );
        assert!(wrong(step("replace_small_objects_with_label", json!({}))).contains("`per_label: true` only"));
        let text = wrong(step("remove_small_objects", json!({ "small_object_threshold": 0 })));
        assert_eq!(text, "In step 0, `small_object_threshold` is 0, it must be a whole number, 1 or more.");
        assert!(wrong(step("fill_holes_with_label", json!({ "fill_holes_label": 256 }))).contains("0 to 255"));
        assert!(wrong(step("fill_holes_with_label", json!([]))).contains("'kwargs' in step 0 must be an object"));
    }

    #[test]
    fn what_means_nothing_is_remarked_on() {
        let step = json!({
            "transform": "remove_small_objects", "apply_to_labels": [-1], "per_label": true,
            "kwargs": { "small_object_treshold": 3 },
        });
        let (strategy, remarks) = Strategy::parse(&json!([step])).unwrap();
        assert_eq!(strategy.steps[0].labels, [-1]);
        assert_eq!(remarks.len(), 2);
        assert!(remarks[0].starts_with("step 0: `small_object_treshold` is no parameter"), "{remarks:?}");
        assert!(remarks[0].ends_with("did you mean `small_object_threshold`?"), "{remarks:?}");
        assert!(Strategy::parse(&json!([])).unwrap().0.steps.is_empty());
    }
}
