//! All cases of a table.

use super::case::{CaseScores, Checks, Plan};
use crate::config::Evaluation;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::memory::{Allowance, Budget};
use crate::parallel;
use crate::tables::EvaluationCase;

/// What `results.csv` is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvaluationReport {
    /// Names of the columns after `id`: `<class>_<metric>`.
    pub columns: Vec<String>,
    /// Case id and one value per column, in the order of the input. `None` is a missing value.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
    /// Cases that could not be compared, in the order of the input.
    pub failures: Vec<CaseFailure>,
}

/// What becomes of a case whose prediction is missing, damaged or on another grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// It has no row in the table.
    #[default]
    LeaveOut,
    /// Every column has its worst value, as in challenges. A case whose true mask cannot be read is left out.
    Worst,
}

/// What is compared, and how.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The classes and their metrics.
    pub evaluation: &'a Evaluation,
    /// The files.
    pub cases: &'a [EvaluationCase],
    /// Cases compared at the same time. Rows and values do not depend on it.
    pub workers: usize,
    /// How masks are looked at before they are compared.
    pub checks: Checks,
    /// What becomes of cases that cannot be compared.
    pub missing: Missing,
    /// Memory of the whole program; a case waits until those before it leave what it may need.
    pub memory: Allowance,
}

/// Compares every case of a table. Values that are no label count as background; the cases that have some are counted and
/// named in a warning.
///
/// # Errors
/// The section names no class, or an unknown metric, or two columns alike; or the user asked to stop. A case that cannot
/// be compared is no error but a failure in the report.
pub fn evaluate_table(job: &Job, console: &dyn Console) -> Result<EvaluationReport> {
    if job.evaluation.classes.is_empty() {
        return Err(Error::new("the evaluation section names no class").place("evaluation"));
    }
    let plan = Plan::new(job.evaluation)?;
    let mut report = EvaluationReport { columns: plan.columns()?, ..EvaluationReport::default() };
    let bar = console.bar("Evaluating predictions", job.cases.len() as u64);
    let budget = Budget::new(job.memory.bytes().unwrap_or(f64::INFINITY));
    let results = parallel::map(job.cases, job.workers, |case| {
        let scored = score(&plan, job, case, &budget);
        bar.advance(1);
        Ok(scored)
    })?;

    let (mut notes, mut strangers) = (Vec::new(), Vec::new());
    for (scored, case) in results.into_iter().zip(job.cases) {
        report.failures.extend(scored.failure);
        if let Some(scores) = scored.scores {
            report.rows.push((case.id.clone(), scores.values));
            notes.extend(scores.notes);
            if !scores.strangers.is_empty() {
                strangers.push(format!("\n  {}: {}", case.id, scores.strangers.join(" | ")));
            }
        }
    }
    if !strangers.is_empty() {
        console.warn(&format!(
            "{} of {} cases hold values that are no label and count as background; `mist evaluate --validate` leaves \
             such cases out{}",
            strangers.len(),
            job.cases.len(),
            strangers.concat()
        ));
    }
    if !notes.is_empty() {
        console.warn(&notes.join("\n"));
    }
    Ok(report)
}

/// What became of a case: its row, why it failed, or both.
struct Scored {
    scores: Option<CaseScores>,
    failure: Option<CaseFailure>,
}

fn score(plan: &Plan, job: &Job, case: &EvaluationCase, budget: &Budget) -> Scored {
    let grid = match plan.grid(case) {
        Ok(grid) => grid,
        Err(failure) => return Scored { scores: None, failure: Some(failure) },
    };
    let share = budget.take(plan.memory(&grid));
    match plan.score(case, &grid, &job.checks, job.memory.resized(share.bytes())) {
        Ok(scores) => Scored { scores: Some(scores), failure: None },
        Err(mut failure) => {
            let is_worst = job.missing == Missing::Worst && failure.file.as_ref() == Some(&case.prediction);
            let scores = is_worst.then(|| CaseScores { values: plan.worst(&grid), ..CaseScores::default() });
            if is_worst {
                failure.reason += "; every score of it is the worst";
            }
            Scored { scores, failure: Some(failure) }
        }
    }
}
