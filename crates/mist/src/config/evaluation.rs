//! `evaluation`: classes and the metrics that judge them.

use crate::error::Result;
use crate::json::{self, Document, Section};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// Metric names and the parameters each one takes.
pub const METRICS: [(&str, &[&str]); 8] = [
    ("avg_surf", &[]),
    ("dice", &[]),
    ("haus95", &[]),
    ("lesion_wise_dice", &["min_lesion_volume", "dilation_iters", "gt_consolidation_iters"]),
    ("lesion_wise_f1", &["min_lesion_volume", "dilation_iters", "gt_consolidation_iters"]),
    ("lesion_wise_haus95", &["min_lesion_volume", "dilation_iters", "gt_consolidation_iters"]),
    ("lesion_wise_surf_dice", &["min_lesion_volume", "dilation_iters", "gt_consolidation_iters", "tolerance"]),
    ("surf_dice", &["tolerance"]),
];

/// `evaluation`: what is measured, per class, in file order (the order of the columns of `results.csv`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The classes.
    pub classes: Vec<EvaluationClass>,
}

/// One class of `evaluation`.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationClass {
    /// Its name.
    pub name: String,
    /// Label values that make up the class.
    pub labels: Vec<i64>,
    /// What is measured, in file order.
    pub metrics: Vec<MetricRequest>,
}

/// One metric of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRequest {
    /// One of [`METRICS`].
    pub name: String,
    /// Parameters as in the file: numbers, 0 or more, each one that the metric takes.
    pub params: Map<String, Value>,
}

impl EvaluationClass {
    /// A class measured by Dice and the 95th percentile of the surface distance.
    pub fn with_default_metrics(name: impl Into<String>, labels: Vec<i64>) -> Self {
        let metrics = ["dice", "haus95"].map(|name| MetricRequest { name: name.into(), params: Map::new() }).into();
        Self { name: name.into(), labels, metrics }
    }
}

/// An evaluation section with what its file says beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationFile {
    /// The section.
    pub evaluation: Evaluation,
    /// Values that masks may hold; see [`Evaluation::known_labels`].
    pub known_labels: BTreeSet<i64>,
    /// `training.ignore_label`: marks voxels of masks that are not compared.
    pub ignore_label: Option<i64>,
    /// Remarks on unknown keys of the section that look like misspelled ones; for the console.
    pub remarks: Vec<String>,
}

impl EvaluationFile {
    /// Reads the `evaluation` section of a full config, or a file that is nothing but such a section.
    pub fn load(path: &Path) -> Result<Self> {
        let (value, places) = json::read_with_places(path)?;
        let document = Document::new(path).with_places(&places);
        let root = document.root(&value)?;
        let labels = value.pointer("/dataset_info/labels").and_then(Value::as_array);
        let labels: Vec<i64> = labels.into_iter().flatten().filter_map(Value::as_i64).collect();
        let ignore_label = value.pointer("/training/ignore_label").and_then(Value::as_i64);
        let evaluation = match root.optional("evaluation") {
            // A bare section may have a class of that name: a class has `labels`.
            Some(field) if field.value().get("labels").is_none_or(Value::is_object) => {
                Evaluation::parse(&field.section()?, &labels, ignore_label)?
            }
            _ => Evaluation::parse(&root, &labels, ignore_label)?,
        };
        let known_labels = evaluation.known_labels(&labels);
        Ok(Self { known_labels, ignore_label, evaluation, remarks: document.into_remarks() })
    }
}

impl Evaluation {
    /// Values that are no surprise in a mask: the background, the labels of the data set, and those of the classes.
    pub fn known_labels(&self, dataset: &[i64]) -> BTreeSet<i64> {
        let classes = self.classes.iter().flat_map(|class| &class.labels);
        [0].iter().chain(dataset).chain(classes).copied().collect()
    }

    /// `dataset` are the labels that there are; empty where the file does not say. No class has the ignored one.
    pub(super) fn parse(section: &Section, dataset: &[i64], ignored: Option<i64>) -> Result<Self> {
        let classes = section
            .fields()
            .map(|(name, field)| EvaluationClass::parse(name, &field.section()?, dataset, ignored))
            .collect::<Result<_>>()?;
        Ok(Self { classes })
    }
}

impl EvaluationClass {
    fn parse(name: &str, section: &Section, dataset: &[i64], ignored: Option<i64>) -> Result<Self> {
        let labels = section.required("labels")?.filled_list()?;
        let counts = |label: &i64| *label != 0 && Some(*label) != ignored;
        let foreground: Vec<i64> = dataset.iter().copied().filter(counts).collect();
        let expected = match foreground.is_empty() {
            true => "a label: a whole number above 0".to_owned(),
            // A class of labels that are nowhere would count as segmented perfectly.
            false => {
                let listed: Vec<String> = foreground.iter().map(i64::to_string).collect();
                let besides = if ignored.is_some() { "background and ignored ones" } else { "the background" };
                format!("one of the labels besides {besides}, {}", listed.join(", "))
            }
        };
        let fits = |label| label > 0 && (foreground.is_empty() || foreground.contains(&label));
        let metrics = section.required("metrics")?.section()?;
        let class = Self {
            name: name.to_owned(),
            labels: labels.iter().map(|field| field.integer(&expected, fits)).collect::<Result<_>>()?,
            metrics: metrics
                .fields()
                .map(|(metric, field)| {
                    let names = METRICS.map(|(name, _)| name);
                    let Some((_, known)) = METRICS.iter().find(|(name, _)| *name == metric) else {
                        return Err(metrics.unknown_key(metric, &names));
                    };
                    let params = field.section()?;
                    for (key, param) in params.fields() {
                        if !known.contains(&key) {
                            return Err(params.unknown_key(key, known));
                        }
                        param.number("a number, 0 or more", |value| value >= 0.0)?;
                    }
                    Ok(MetricRequest { name: metric.to_owned(), params: params.others() })
                })
                .collect::<Result<_>>()?,
        };
        section.note_unknown();
        Ok(class)
    }
}

impl Serialize for Evaluation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.classes.len()))?;
        for class in &self.classes {
            map.serialize_entry(&class.name, class)?;
        }
        map.end()
    }
}

impl Serialize for EvaluationClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let metrics: Map<String, Value> =
            self.metrics.iter().map(|metric| (metric.name.clone(), Value::Object(metric.params.clone()))).collect();
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("labels", &self.labels)?;
        map.serialize_entry("metrics", &metrics)?;
        map.end()
    }
}
