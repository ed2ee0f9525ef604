//! One case: two files compared class by class.

use super::validate::{problem_with, strangers};
use crate::config::Evaluation;
use crate::error::{CaseFailure, Error, Result};
use crate::preprocess::read::ORIGIN_TOLERANCE_MM;
use crate::tables::EvaluationCase;
use mist_metrics::metric::{self, Metric, Settings};
use mist_metrics::{Comparison, Segmentation};
use mist_volume::distance::Lattice;
use mist_volume::nifti::{self, NiftiError};
use mist_volume::same_grid;
use std::collections::BTreeSet;
use std::path::Path;

/// How masks are looked at before they are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Values that masks may hold, the background among them; others are warned about.
    pub known_labels: BTreeSet<i64>,
    /// Marks voxels of masks that nobody has looked at: there, mask and prediction count as background.
    pub ignore_label: Option<i64>,
    /// Leave out a case whose files hold anything but whole numbers and labels of the evaluated classes.
    pub validate: bool,
}

/// What is measured, with the metrics looked up.
pub(super) struct Plan {
    classes: Vec<ClassPlan>,
    /// Every label of every class.
    labels: BTreeSet<i64>,
}

struct ClassPlan {
    name: String,
    labels: Vec<i64>,
    metrics: Vec<(&'static Metric, Settings)>,
}

/// Result of one case.
pub(super) struct CaseScores {
    /// One value per column.
    pub(super) values: Vec<Option<f64>>,
    /// What a person should know about them.
    pub(super) notes: Vec<String>,
    /// For each file with values that are no label, which.
    pub(super) strangers: Vec<String>,
}

impl Plan {
    /// Looks up the metrics of an evaluation section. Names that are not known were refused when it was read.
    pub(super) fn new(evaluation: &Evaluation) -> Result<Self> {
        let classes = evaluation
            .classes
            .iter()
            .map(|class| {
                let metrics = class.metrics.iter().map(|request| {
                    let metric = metric::find(&request.name).ok_or_else(|| {
                        Error::new(format!("there is no metric `{}`", request.name))
                            .place(format!("evaluation.{}.metrics", class.name))
                            .because(format!("known: {}", metric::names().join(", ")))
                    })?;
                    let numbers = request.params.iter().filter_map(|(key, value)| Some((key.clone(), value.as_f64()?)));
                    Ok((metric, Settings::new(numbers)))
                });
                let metrics = metrics.collect::<Result<_>>()?;
                Ok(ClassPlan { name: class.name.clone(), labels: class.labels.clone(), metrics })
            })
            .collect::<Result<Vec<_>>>()?;
        let labels = classes.iter().flat_map(|class| class.labels.iter().copied()).collect();
        Ok(Self { classes, labels })
    }

    /// Names of the columns: `<class>_<metric>` in the order of the section.
    pub(super) fn columns(&self) -> Result<Vec<String>> {
        let names = self
            .classes
            .iter()
            .flat_map(|class| class.metrics.iter().map(|(metric, _)| format!("{}_{}", class.name, metric.name)));
        let columns: Vec<String> = names.collect();
        let mut seen = BTreeSet::new();
        match columns.iter().find(|column| !seen.insert(*column)) {
            Some(column) => Err(Error::new(format!("two columns of the result would be called `{column}`"))
                .place("evaluation")
                .hint("rename one of the classes")),
            None => Ok(columns),
        }
    }

    /// Compares the two files of a case.
    pub(super) fn score(&self, case: &EvaluationCase, checks: &Checks) -> Result<CaseScores, CaseFailure> {
        let fail = |stage: &str, file: Option<&Path>, reason: String| CaseFailure {
            id: case.id.clone(),
            stage: stage.into(),
            file: file.map(Path::to_owned),
            reason,
        };
        let unreadable = |error: NiftiError| fail("reading", Some(&error.path), error.problem.to_string());

        let grid_of = |path| nifti::read_header(path).map(|header| header.geometry()).map_err(unreadable);
        let (mask_grid, prediction_grid) = (grid_of(&case.mask)?, grid_of(&case.prediction)?);
        same_grid(&mask_grid, &prediction_grid, ORIGIN_TOLERANCE_MM).map_err(|mismatch| {
            fail("comparing", Some(&case.prediction), format!("mask and prediction do not share a grid: {mismatch}"))
        })?;
        let grid = Lattice::new(mask_grid.size, mask_grid.spacing)
            .map_err(|error| fail("comparing", Some(&case.mask), error.to_string()))?;

        // One image at a time is held in 4 bytes per voxel; what is kept of it needs 2.
        let labels: Vec<i64> = self.labels.iter().copied().collect();
        let mut problems = Vec::new();
        let mut scores = CaseScores { values: Vec::new(), notes: Vec::new(), strangers: Vec::new() };
        let allowed: BTreeSet<i64> = self.labels.iter().copied().chain(checks.ignore_label).collect();
        let mut ignored: Vec<usize> = Vec::new();
        let mut read = |path: &Path, kind: &str| {
            let mut volume = nifti::read(path).map_err(unreadable)?;
            if let Some(([x, y, z], value)) = volume.first_non_finite() {
                let reason = format!("voxel ({x}, {y}, {z}) is {value}, not a finite number");
                return Err(fail("reading", Some(path), reason));
            }
            if checks.validate {
                problems.extend(problem_with(volume.voxels(), &allowed).map(|text| format!("the {kind} {text}")));
            } else {
                let found = strangers(volume.voxels(), &checks.known_labels);
                scores.strangers.extend(found.map(|text| format!("the {kind} {text}")));
            }
            // The mask comes first, so its marks are known when the prediction is read.
            if let Some(label) = checks.ignore_label.filter(|_| kind == "mask") {
                let marked = volume.voxels().iter().enumerate().filter(|(_, value)| f64::from(**value) == label as f64);
                ignored = marked.map(|(voxel, _)| voxel).collect();
            }
            for voxel in &ignored {
                volume.voxels_mut()[*voxel] = 0.0;
            }
            Segmentation::new(volume.voxels(), grid, &labels)
                .map_err(|error| fail("comparing", Some(path), error.to_string()))
        };
        let truth = read(&case.mask, "mask")?;
        let prediction = read(&case.prediction, "prediction")?;
        if !problems.is_empty() {
            return Err(fail("validating", None, problems.join(" | ")));
        }

        for class in &self.classes {
            let comparison = Comparison::of_class(&truth, &prediction, &class.labels)
                .map_err(|error| fail("comparing", None, format!("class `{}`: {error}", class.name)))?;
            for (metric, settings) in &class.metrics {
                let score = metric.score(&comparison, settings);
                scores.values.push(Some(score.value));
                scores.notes.extend(score.note.map(|note| format!("Case {}, class {}: {note}", case.id, class.name)));
            }
        }
        Ok(scores)
    }
}
