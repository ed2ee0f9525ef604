//! All cases of a table.

use super::case::{CaseScores, Checks, Plan};
use crate::config::Evaluation;
use crate::console::Console;
use crate::error::{CaseFailure, Error, Result};
use crate::interrupt;
use crate::tables::EvaluationCase;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

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

/// Compares every case of a table, `workers` at the same time. Rows and values do not depend on the number of workers.
/// Values that are no label count as background; the cases that have some are counted and named in a warning.
///
/// # Errors
/// The section names no class, or an unknown metric, or two columns alike; or the user asked to stop. A case that cannot
/// be compared is no error but a failure in the report.
pub fn evaluate_table(
    evaluation: &Evaluation,
    rows: &[EvaluationCase],
    workers: usize,
    checks: &Checks,
    console: &dyn Console,
) -> Result<EvaluationReport> {
    if evaluation.classes.is_empty() {
        return Err(Error::new("the evaluation section names no class").place("evaluation"));
    }
    let plan = Plan::new(evaluation)?;
    let columns = plan.columns()?;
    let mut results = score_all(&plan, rows, workers.clamp(1, rows.len().max(1)), checks, console)?;
    results.sort_unstable_by_key(|(position, _)| *position);

    let mut report = EvaluationReport { columns, ..EvaluationReport::default() };
    let (mut notes, mut strangers) = (Vec::new(), Vec::new());
    for ((_, result), case) in results.into_iter().zip(rows) {
        match result {
            Ok(scores) => {
                report.rows.push((case.id.clone(), scores.values));
                notes.extend(scores.notes);
                if !scores.strangers.is_empty() {
                    strangers.push(format!("\n  {}: {}", case.id, scores.strangers.join(" | ")));
                }
            }
            Err(failure) => report.failures.push(failure),
        }
    }
    if !strangers.is_empty() {
        console.warn(&format!(
            "{} of {} cases hold values that are no label and count as background; `mist evaluate --validate` leaves \
             such cases out{}",
            strangers.len(),
            rows.len(),
            strangers.concat()
        ));
    }
    if !notes.is_empty() {
        console.warn(&notes.join("\n"));
    }
    Ok(report)
}

type Scored = (usize, Result<CaseScores, CaseFailure>);

/// Results with the positions of their cases, in any order.
fn score_all(
    plan: &Plan,
    cases: &[EvaluationCase],
    workers: usize,
    checks: &Checks,
    console: &dyn Console,
) -> Result<Vec<Scored>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .build()
        .map_err(|error| Error::new("cannot start the worker threads").because(error))?;
    let bar = console.bar("Evaluating predictions", cases.len() as u64);
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    // Each of these threads hands one case at a time to the pool. Were the cases themselves tasks of the pool, a thread
    // that waits for a part of its case would begin another one, and more cases than workers would be in memory.
    std::thread::scope(|scope| {
        for _ in 0..workers.min(cases.len()) {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while !interrupt::requested() {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(position) else { break };
                    let result = pool.install(|| plan.score(case, checks));
                    bar.advance(1);
                    if sender.send((position, result)).is_err() {
                        break;
                    }
                }
            });
        }
    });
    drop(sender);
    let results: Vec<Scored> = receiver.into_iter().collect();
    if results.len() < cases.len() {
        return Err(Error::interrupted("the evaluation was stopped"));
    }
    Ok(results)
}
