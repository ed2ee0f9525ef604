//! `label_statistics`: how large, how often and of which shape the labels are.

use super::as_object;
use super::case::{CaseDump, LabelFacts};
use super::shape::Shape;
use super::spread::{rounded, standard_deviation};
use crate::analyze::statistics::{mean, median};
use serde::Serialize;

/// `label_statistics`.
#[derive(Debug, Serialize)]
pub struct LabelStatistics {
    /// Of every label but the background.
    #[serde(rename = "per_label", serialize_with = "as_object")]
    pub labels: Vec<(i64, LabelSummary)>,
    /// Of every class that is evaluated.
    #[serde(rename = "final_classes", serialize_with = "as_object")]
    pub classes: Vec<(String, ClassSummary)>,
    #[serde(rename = "class_imbalance")]
    pub imbalance: Imbalance,
}

/// One label over all cases.
#[derive(Debug, Serialize)]
pub struct LabelSummary {
    pub voxel_count: VoxelCount,
    pub mean_volume_fraction_of_foreground_pct: f64,
    pub mean_volume_fraction_of_image_pct: f64,
    pub presence_rate_pct: f64,
    pub size_category: SizeCategory,
    pub shape: ShapeSummary,
}

/// Voxels per case, 0 where the label is absent.
#[derive(Debug, Serialize)]
pub struct VoxelCount {
    pub mean: f64,
    pub std: f64,
    pub min: u64,
    pub median: f64,
    pub max: u64,
}

/// One class over all cases.
#[derive(Debug, Serialize)]
pub struct ClassSummary {
    pub constituent_labels: Vec<i64>,
    pub mean_volume_fraction_of_foreground_pct: f64,
    pub presence_rate_pct: f64,
    pub size_category: SizeCategory,
}

/// How the sizes of the labels compare.
#[derive(Debug, Serialize)]
pub struct Imbalance {
    pub imbalance_ratio: f64,
    pub dominant_label: Option<i64>,
    pub minority_label: Option<i64>,
}

/// Size of a label as a part of the foreground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SizeCategory {
    /// Below 0.1 %.
    Tiny,
    /// Below 1 %.
    Small,
    /// Below 5 %.
    Medium,
    Large,
}

impl SizeCategory {
    /// By percent of the foreground.
    pub(super) fn of(percent: f64) -> Self {
        match percent {
            percent if percent < 0.1 => Self::Tiny,
            percent if percent < 1.0 => Self::Small,
            percent if percent < 5.0 => Self::Medium,
            _ => Self::Large,
        }
    }

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// Mean shape over the cases that have one; null without any.
#[derive(Debug, PartialEq, Serialize)]
pub struct ShapeSummary {
    pub linearity: Option<f64>,
    pub planarity: Option<f64>,
    pub sphericity: Option<f64>,
    pub shape_class: ShapeClass,
    pub compactness: Option<f64>,
    pub skeleton_ratio: Option<f64>,
}

/// What a label looks like: the largest of linearity, planarity and sphericity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ShapeClass {
    Tubular,
    Planar,
    Blob,
    /// In no case does it have a shape.
    Unknown,
}

impl ShapeClass {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tubular => "tubular",
            Self::Planar => "planar",
            Self::Blob => "blob",
            Self::Unknown => "unknown",
        }
    }
}

impl ShapeSummary {
    fn of(facts: &[LabelFacts]) -> Self {
        let shapes: Vec<Shape> = facts.iter().filter_map(|label| label.shape).collect();
        let average = |value: fn(&Shape) -> f64| {
            let values: Vec<f64> = shapes.iter().map(|shape| rounded(value(shape), 4)).collect();
            (!values.is_empty()).then(|| rounded(mean(&values), 4))
        };
        let (linearity, planarity) = (average(|shape| shape.linearity), average(|shape| shape.planarity));
        let sphericity = average(|shape| shape.sphericity);
        Self {
            linearity,
            planarity,
            sphericity,
            shape_class: match (linearity, planarity, sphericity) {
                (Some(line), Some(sheet), Some(ball)) if line >= sheet && line >= ball => ShapeClass::Tubular,
                (_, Some(sheet), Some(ball)) if sheet >= ball => ShapeClass::Planar,
                (_, _, Some(_)) => ShapeClass::Blob,
                _ => ShapeClass::Unknown,
            },
            compactness: average(|shape| shape.compactness),
            skeleton_ratio: average(|shape| shape.skeleton_ratio),
        }
    }
}

/// Statistics of all cases. `labels` are the values but the background, `effective` the voxels of each case after cropping.
pub fn label_statistics(
    dumps: &[&CaseDump],
    labels: &[i64],
    classes: &[(String, Vec<i64>)],
    effective: &[f64],
) -> LabelStatistics {
    let foreground = mean(&dumps.iter().map(|case| case.foreground as f64).collect::<Vec<_>>());
    let image = mean(effective);
    let part = |count: f64, of: f64| if of > 0.0 { rounded(100.0 * count / of, 4) } else { 0.0 };
    let summary = |(position, &label): (usize, &i64)| {
        let facts: Vec<LabelFacts> = dumps.iter().filter_map(|case| case.labels.get(position)).copied().collect();
        let counts: Vec<f64> = facts.iter().map(|facts| facts.voxels as f64).collect();
        let of_foreground = part(mean(&counts), foreground);
        let summary = LabelSummary {
            voxel_count: VoxelCount {
                mean: rounded(mean(&counts), 2),
                std: rounded(standard_deviation(&counts), 2),
                min: facts.iter().map(|facts| facts.voxels).min().unwrap_or(0),
                median: rounded(median(&counts), 2),
                max: facts.iter().map(|facts| facts.voxels).max().unwrap_or(0),
            },
            mean_volume_fraction_of_foreground_pct: of_foreground,
            mean_volume_fraction_of_image_pct: part(mean(&counts), image),
            presence_rate_pct: presence(&counts),
            size_category: SizeCategory::of(of_foreground),
            shape: ShapeSummary::of(&facts),
        };
        (label, summary)
    };
    let class = |(name, members): &(String, Vec<i64>)| {
        let positions = |label| labels.iter().position(|other| other == label);
        let counts: Vec<f64> = dumps
            .iter()
            .map(|case| members.iter().filter_map(positions).filter_map(|at| case.labels.get(at)))
            .map(|parts| parts.map(|label| label.voxels as f64).sum())
            .collect();
        let of_foreground = part(mean(&counts), foreground);
        let summary = ClassSummary {
            constituent_labels: members.clone(),
            mean_volume_fraction_of_foreground_pct: of_foreground,
            presence_rate_pct: presence(&counts),
            size_category: SizeCategory::of(of_foreground),
        };
        (name.clone(), summary)
    };
    let summaries: Vec<(i64, LabelSummary)> = labels.iter().enumerate().map(summary).collect();
    LabelStatistics {
        imbalance: imbalance(&summaries),
        labels: summaries,
        classes: classes.iter().map(class).collect(),
    }
}

/// Cases in which there is something, in percent.
fn presence(counts: &[f64]) -> f64 {
    let present: Vec<f64> = counts.iter().map(|&count| f64::from(u8::from(count > 0.0))).collect();
    rounded(100.0 * mean(&present), 2)
}

fn imbalance(labels: &[(i64, LabelSummary)]) -> Imbalance {
    let size = |summary: &LabelSummary| summary.mean_volume_fraction_of_foreground_pct;
    let mut present = labels.iter().filter(|(_, summary)| size(summary) > 0.0);
    let none = Imbalance {
        imbalance_ratio: 1.0,
        dominant_label: labels.first().map(|(label, _)| *label),
        minority_label: None,
    };
    let Some(first) = present.next() else { return none };
    let (mut largest, mut smallest, mut count) = (first, first, 1);
    for label in present {
        count += 1;
        // Of equals the first is taken.
        if size(&label.1) > size(&largest.1) {
            largest = label;
        }
        if size(&label.1) < size(&smallest.1) {
            smallest = label;
        }
    }
    if count < 2 {
        return none;
    }
    Imbalance {
        imbalance_ratio: rounded(size(&largest.1) / size(&smallest.1), 2),
        dominant_label: Some(largest.0),
        minority_label: Some(smallest.0),
    }
}
