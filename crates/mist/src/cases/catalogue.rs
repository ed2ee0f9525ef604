//! The list of cases: what there is to see of each, how good it is, and what is missing.

use super::labels::Labels;
use crate::config::{Config, Modality};
use crate::error::CaseFailure;
use crate::error::Result;
use crate::evaluate::{Scores, failures_file};
use crate::predict::out_of_fold;
use crate::tables::{CaseFiles, LeftOut, TestPaths, TrainPaths};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Everything that a page lists.
pub(crate) struct Catalogue {
    pub(crate) task: String,
    pub(crate) results: PathBuf,
    pub(crate) channels: Vec<String>,
    pub(crate) labels: Labels,
    /// Intensities shown black and white; the page finds its own where there are none.
    pub(crate) window: Option<[f64; 2]>,
    /// Names of the scores: `<class>_<metric>`.
    pub(crate) columns: Vec<String>,
    /// Columns of the Dice of each class.
    dice: Vec<(usize, String)>,
    /// Worst first; then those without a score; then the test cases.
    pub(crate) cases: Vec<Case>,
    /// What the reader should know about the list as a whole.
    pub(crate) gap: Option<String>,
}

/// One case.
#[derive(Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) group: Group,
    pub(crate) fold: Option<usize>,
    /// One value per column of `results.csv`; empty where the case has no score.
    pub(crate) scores: Vec<Option<f64>>,
    /// Mean over the classes that have a Dice.
    pub(crate) dice: Option<f64>,
    /// Scans that the tables name, in channel order.
    pub(crate) scans: Vec<PathBuf>,
    /// Mask, where there is one.
    pub(crate) truth: Option<PathBuf>,
    /// Prediction, where there is one.
    pub(crate) prediction: Option<PathBuf>,
    /// What is wrong with the case.
    pub(crate) problems: Vec<String>,
}

/// Where a case stands in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Scored,
    Unscored,
    Test,
}

impl Catalogue {
    /// Reads the tables of a results folder.
    pub(crate) fn read(results: &Path, config: &Config) -> Result<Self> {
        let optional = |name: &str| Some(results.join(name)).filter(|path| path.is_file());
        let scores = optional("results.csv").map(|path| Scores::read(&path)).transpose()?;
        let gap = scores.is_none().then(|| {
            "there is no results.csv yet, so the cases are not sorted by Dice; `mist finalize` writes it".to_owned()
        });
        let scores = scores.unwrap_or_default();
        let dice: Vec<(usize, String)> =
            scores.dice().into_iter().map(|(column, class)| (column, class.to_owned())).collect();
        let train = optional("train_paths.csv").map(|path| TrainPaths::read(&path)).transpose()?.unwrap_or_default();
        let test = optional("test_paths.csv").map(|path| TestPaths::read(&path)).transpose()?.unwrap_or_default();
        let mut cases = held_out(results, &train, &scores, &dice);
        cases.extend(strays(&train, &scores, &dice));
        cases.extend(left_out(results)?);
        explain(&mut cases, &LeftOut::read(&failures_file(&results.join("results.csv")))?);
        cases.extend(test_cases(results, &test));
        sort(&mut cases);
        let window = config.preprocessing.ct_normalization.window();
        let window = window.filter(|_| config.dataset_info.modality == Modality::Ct);
        Ok(Self {
            task: config.dataset_info.task.clone(),
            results: results.to_owned(),
            channels: config.dataset_info.images.clone(),
            labels: Labels::of(config),
            window: window.map(|window| [window.window_min, window.window_max]),
            columns: scores.columns,
            dice,
            cases,
            gap,
        })
    }

    /// For the page.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "task": self.task,
            "results": self.results.display().to_string(),
            "channels": self.channels,
            "labels": self.labels.to_json(),
            "window": self.window,
            "columns": self.columns,
            "classes": self.dice.iter().map(|(column, name)| json!({ "column": column, "name": name })).collect::<Value>(),
            "gap": self.gap,
            "cases": self.cases.iter().map(Case::to_json).collect::<Value>(),
        })
    }
}

impl Case {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "group": match self.group {
                Group::Scored => "scored",
                Group::Unscored => "unscored",
                Group::Test => "test",
            },
            "fold": self.fold,
            "scores": self.scores,
            "dice": self.dice,
            "scans": self.scans.len(),
            "truth": self.truth.is_some(),
            "prediction": self.prediction.is_some(),
            "problems": self.problems,
        })
    }
}

/// The cases of the cross-validation.
fn held_out(results: &Path, train: &TrainPaths, scores: &Scores, dice: &[(usize, String)]) -> Vec<Case> {
    let files = train.case_files();
    let case = |case: &crate::tables::TrainCase| {
        let mut problems = Vec::new();
        let scans = scans(&case.images, &mut problems);
        let truth = present(&case.mask, "the mask", &mut problems);
        let prediction = files.find(&results.join(out_of_fold::FOLDER), &case.id, ".nii.gz");
        let prediction = Some(prediction).filter(|path| path.is_file());
        if prediction.is_none() {
            problems.push(format!("there is no prediction; `mist train --folds {}` makes it", case.fold));
        }
        let values = scores.of(&case.id).unwrap_or_default().to_vec();
        let mean = mean_dice(&values, dice);
        if mean.is_none() && problems.is_empty() {
            problems.push("results.csv has no Dice of it; `mist finalize` computes it".to_owned());
        }
        Case {
            id: case.id.clone(),
            group: if mean.is_some() { Group::Scored } else { Group::Unscored },
            fold: Some(case.fold),
            dice: mean,
            scores: values,
            scans,
            truth,
            prediction,
            problems,
        }
    };
    train.cases.iter().map(case).collect()
}

/// Cases that have scores and nothing else.
fn strays(train: &TrainPaths, scores: &Scores, dice: &[(usize, String)]) -> Vec<Case> {
    let listed = |id: &String| train.cases.iter().any(|case| case.id == *id);
    let stray = |(id, values): &(String, Vec<Option<f64>>)| Case {
        dice: mean_dice(values, dice),
        scores: values.clone(),
        ..Case::nothing_of(id, "it is not in train_paths.csv".to_owned())
    };
    let strays = scores.rows.iter().filter(|(id, _)| !listed(id)).map(stray);
    strays
        .map(|case| Case { group: if case.dice.is_some() { Group::Scored } else { Group::Unscored }, ..case })
        .collect()
}

/// Why the evaluation left cases out, beside what else is wrong with them.
fn explain(cases: &mut [Case], failures: &[CaseFailure]) {
    for failure in failures {
        for case in cases.iter_mut().filter(|case| case.id == failure.id && case.group != Group::Test) {
            case.problems.push(format!("the evaluation left it out: {failure}"));
        }
    }
}

/// Cases that the analysis left out.
fn left_out(results: &Path) -> Result<Vec<Case>> {
    let failures = LeftOut::read(&LeftOut::file(results))?;
    Ok(failures.iter().map(|failure| Case::nothing_of(&failure.id, failure.to_string())).collect())
}

fn test_cases(results: &Path, test: &TestPaths) -> Vec<Case> {
    let files = CaseFiles::new(test.cases.iter().map(|case| case.id.clone()));
    let case = |case: &crate::tables::TestCase| {
        let mut problems = Vec::new();
        let scans = scans(&case.images, &mut problems);
        let prediction = files.find(&results.join("predictions/test"), &case.id, ".nii.gz");
        let prediction = Some(prediction).filter(|path| path.is_file());
        if prediction.is_none() {
            problems.push("there is no prediction; `mist finalize` makes it".to_owned());
        }
        Case { group: Group::Test, scans, prediction, problems, ..Case::nothing_of(&case.id, String::new()) }
    };
    test.cases.iter().map(case).collect()
}

impl Case {
    /// A case without files or scores.
    fn nothing_of(id: &str, problem: String) -> Self {
        Self {
            id: id.to_owned(),
            group: Group::Unscored,
            fold: None,
            scores: Vec::new(),
            dice: None,
            scans: Vec::new(),
            truth: None,
            prediction: None,
            problems: vec![problem],
        }
    }
}

/// All scans that the table names; those that are gone become problems.
fn scans(paths: &[PathBuf], problems: &mut Vec<String>) -> Vec<PathBuf> {
    for path in paths {
        present(path, "the scan", problems);
    }
    paths.to_vec()
}

/// The file, where it is one.
fn present(path: &Path, what: &str, problems: &mut Vec<String>) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    problems.push(match path.as_os_str().is_empty() {
        true => format!("the table names no file for {what}"),
        false => format!("{what} is gone: {}", path.display()),
    });
    None
}

fn mean_dice(values: &[Option<f64>], dice: &[(usize, String)]) -> Option<f64> {
    let values: Vec<f64> = dice.iter().filter_map(|(column, _)| values.get(*column).copied().flatten()).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// By group, then worst first, then by id.
fn sort(cases: &mut [Case]) {
    let rank = |case: &Case| case.dice.unwrap_or(f64::INFINITY);
    cases.sort_by(|a, b| a.group.cmp(&b.group).then(rank(a).total_cmp(&rank(b))).then_with(|| a.id.cmp(&b.id)));
}

#[cfg(test)]
mod tests {
    use super::super::testing::{HOSTILE, config, run};
    use super::*;

    #[test]
    fn the_worst_case_comes_first_and_what_is_wrong_is_said() {
        let (folder, catalogue) = run();
        let listed: Vec<(&str, Group, Option<f64>)> =
            catalogue.cases.iter().map(|case| (case.id.as_str(), case.group, case.dice)).collect();
        assert_eq!(
            listed,
            [
                // Of the class that has a Dice.
                ("bad", Group::Scored, Some(0.25)),
                ("no_scan", Group::Scored, Some(0.5)),
                (HOSTILE, Group::Scored, Some(0.6)),
                ("good", Group::Scored, Some(0.9)),
                ("broken", Group::Unscored, None),
                ("untrained", Group::Unscored, None),
                ("new", Group::Test, None),
            ]
        );
        let problems = |id: &str| catalogue.cases.iter().find(|case| case.id == id).unwrap().problems.join("; ");
        let gone = folder.path().join("scans/no_scan.nii.gz");
        assert_eq!(problems("no_scan"), format!("the scan is gone: {}", gone.display()));
        assert_eq!(problems("untrained"), "there is no prediction; `mist train --folds 2` makes it");
        assert_eq!(problems("broken"), "broken: failed while reading /x.nii.gz: it ends early");
        assert_eq!(problems("bad") + &problems("new"), "");
    }

    #[test]
    fn the_page_learns_names_and_numbers() {
        let page = run().1.to_json();
        assert_eq!(page["labels"][1]["name"], "liver");
        assert_eq!(page["labels"][2]["name"], "label 4 (all)");
        assert_eq!(page["window"], json!([-100.0, 200.0]));
        assert_eq!(page["classes"], json!([{ "column": 0, "name": "liver" }, { "column": 2, "name": "all" }]));
        assert_eq!(page["cases"][0]["scores"], json!([0.25, 9.0, null, 0.0]));
        assert_eq!(page["cases"][2]["id"], HOSTILE);
    }

    #[test]
    fn without_scores_the_cases_are_there_and_the_gap_is_named() {
        let (folder, _) = run();
        std::fs::remove_file(folder.path().join("results.csv")).unwrap();
        let catalogue = Catalogue::read(folder.path(), &config()).unwrap();
        assert!(catalogue.gap.as_deref().is_some_and(|gap| gap.contains("mist finalize")));
        assert_eq!(catalogue.cases.len(), 7);
        assert!(catalogue.cases.iter().all(|case| case.group != Group::Scored));
    }
}
