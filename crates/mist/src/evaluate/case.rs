//! One case: two files compared class by class.

use super::memory;
use super::validate::{problem_with, strangers};
use crate::config::Evaluation;
use crate::error::{CaseFailure, Error, Result};
use crate::memory::Allowance;
use crate::preprocess::read::ORIGIN_TOLERANCE_MM;
use crate::tables::EvaluationCase;
use mist_metrics::metric::{self, Metric, Settings};
use mist_metrics::{Comparison, Segmentation, Value};
use mist_volume::distance::Lattice;
use mist_volume::nifti::{self, NiftiError, NiftiProblem};
use mist_volume::{Volume, same_grid};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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

impl ClassPlan {
    fn by_lesion(&self) -> bool {
        self.metrics.iter().any(|(metric, _)| metric.by_lesion())
    }
}

/// Result of one case.
#[derive(Default)]
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

    /// The grid of the true mask, from its header.
    pub(super) fn grid(&self, case: &EvaluationCase) -> Result<Lattice, CaseFailure> {
        let grid = nifti::read_header(&case.mask).map_err(|error| unreadable(case, error))?.geometry();
        Lattice::new(grid.size, grid.spacing).map_err(|error| fail(case, "comparing", Some(&case.mask), error))
    }

    /// Bytes that a case on that grid takes at most.
    pub(super) fn memory(&self, grid: &Lattice) -> f64 {
        let by_lesion = self.classes.iter().any(ClassPlan::by_lesion);
        memory::at_most(grid, by_lesion)
    }

    /// The worst value of every column in an image on that grid.
    pub(super) fn worst(&self, grid: &Lattice) -> Vec<Option<f64>> {
        let metrics = self.classes.iter().flat_map(|class| &class.metrics);
        metrics.map(|(metric, _)| Some(metric.worst_value(grid.diagonal()))).collect()
    }

    /// Compares the two files of a case, whose true mask lies on `grid`. A failure that names the prediction is the
    /// prediction's own.
    pub(super) fn score(
        &self,
        case: &EvaluationCase,
        grid: &Lattice,
        checks: &Checks,
        allowed: Allowance,
    ) -> Result<CaseScores, CaseFailure> {
        if !case.prediction.is_file() {
            return Err(fail(case, "pairing", Some(&case.prediction), "there is no such prediction"));
        }
        let grid_of = |path| nifti::read_header(path).map(|header| header.geometry());
        let geometries = grid_of(&case.mask).and_then(|mask| Ok((mask, grid_of(&case.prediction)?)));
        let (mask_grid, prediction_grid) = geometries.map_err(|error| unreadable(case, error))?;
        same_grid(&mask_grid, &prediction_grid, ORIGIN_TOLERANCE_MM).map_err(|mismatch| {
            let reason = format!("mask and prediction do not share a grid: {mismatch}");
            fail(case, "comparing", Some(&case.prediction), reason)
        })?;
        if let Some(shortage) = allowed.shortage(memory::of_reading(grid)) {
            return Err(fail(case, "reading", Some(&case.mask), shortage));
        }
        let (mut scores, [truth, prediction]) = self.read(case, grid, checks)?;
        for class in &self.classes {
            let problem = |why: String| fail(case, "comparing", None, format!("class `{}`: {why}", class.name));
            let comparison =
                Comparison::of_class(&truth, &prediction, &class.labels).map_err(|error| problem(error.to_string()))?;
            let bytes = memory::of_class(comparison.grid(), class.by_lesion());
            if let Some(shortage) = allowed.shortage(bytes) {
                return Err(problem(shortage));
            }
            for (metric, settings) in &class.metrics {
                let score = metric.score(&comparison, settings);
                scores.values.push(Some(score.value));
                scores.notes.extend(score.note.map(|note| format!("Case {}, class {}: {note}", case.id, class.name)));
            }
        }
        Ok(scores)
    }

    /// Truth and prediction. One image at a time is held, in a byte per voxel where its values allow that, else in 4; what is
    /// kept of it needs 2.
    fn read(
        &self,
        case: &EvaluationCase,
        grid: &Lattice,
        checks: &Checks,
    ) -> Result<(CaseScores, [Segmentation; 2]), CaseFailure> {
        let labels: Vec<i64> = self.labels.iter().copied().collect();
        let mut reading = Reading {
            case,
            grid,
            checks,
            allowed: labels.iter().copied().chain(checks.ignore_label).collect(),
            labels,
            problems: Vec::new(),
            scores: CaseScores::default(),
            ignored: Vec::new(),
        };
        // The mask comes first, so its marks are known when the prediction is read.
        let both = [reading.read(&case.mask, "mask")?, reading.read(&case.prediction, "prediction")?];
        let [first, more @ ..] = &reading.problems[..] else { return Ok((reading.scores, both)) };
        let file = more.is_empty().then_some(first.0.as_path());
        let texts: Vec<&str> = reading.problems.iter().map(|(_, text)| text.as_str()).collect();
        Err(fail(case, "validating", file, texts.join(" | ")))
    }
}

/// The files of a case while they are read.
struct Reading<'a> {
    case: &'a EvaluationCase,
    grid: &'a Lattice,
    checks: &'a Checks,
    /// Labels of the classes.
    labels: Vec<i64>,
    /// The same, and the label to ignore.
    allowed: BTreeSet<i64>,
    problems: Vec<(PathBuf, String)>,
    scores: CaseScores,
    /// Voxels that count as background in both files.
    ignored: Vec<bool>,
}

impl Reading<'_> {
    fn read(&mut self, path: &Path, kind: &str) -> Result<Segmentation, CaseFailure> {
        match nifti::read_integers::<u8>(path) {
            Ok(volume) => self.take(path, kind, volume),
            Err(NiftiError { problem: NiftiProblem::NotInteger { .. }, .. }) => {
                let volume = nifti::read(path).map_err(|error| unreadable(self.case, error))?;
                if let Some(([x, y, z], value)) = volume.first_non_finite() {
                    let reason = format!("voxel ({x}, {y}, {z}) is {value}, not a finite number");
                    return Err(fail(self.case, "reading", Some(path), reason));
                }
                self.take(path, kind, volume)
            }
            Err(error) => Err(unreadable(self.case, error)),
        }
    }

    fn take<T: Value>(&mut self, path: &Path, kind: &str, mut volume: Volume<T>) -> Result<Segmentation, CaseFailure> {
        let checks = self.checks;
        if checks.validate {
            let problem = problem_with(volume.voxels(), &self.allowed);
            self.problems.extend(problem.map(|text| (path.to_owned(), format!("the {kind} {text}"))));
        } else {
            let found = strangers(volume.voxels(), &checks.known_labels);
            self.scores.strangers.extend(found.map(|text| format!("the {kind} {text}")));
        }
        if let Some(label) = checks.ignore_label.filter(|_| kind == "mask") {
            self.ignored = volume.voxels().iter().map(|value| (*value).into() == label as f64).collect();
        }
        for (voxel, _) in volume.voxels_mut().iter_mut().zip(&self.ignored).filter(|(_, ignored)| **ignored) {
            *voxel = T::default();
        }
        Segmentation::new(volume.voxels(), *self.grid, &self.labels)
            .map_err(|error| fail(self.case, "comparing", Some(path), error))
    }
}

fn fail(case: &EvaluationCase, stage: &str, file: Option<&Path>, reason: impl ToString) -> CaseFailure {
    CaseFailure { id: case.id.clone(), stage: stage.into(), file: file.map(Path::to_owned), reason: reason.to_string() }
}

fn unreadable(case: &EvaluationCase, error: NiftiError) -> CaseFailure {
    fail(case, "reading", Some(&error.path), error.problem)
}
