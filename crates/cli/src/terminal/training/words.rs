//! What is said of a training, piece by piece; terminal and log file arrange the pieces their own way.

use mist::console::{EpochResult, TrainingPlan, TrainingStatus};
use mist::memory::readable;
use mist::text::duration;

/// `Fold 0`, or `Fold 3 (2 of 4)` where several are trained.
pub(super) fn fold(plan: &TrainingPlan) -> String {
    match plan.folds {
        1 => format!("Fold {}", plan.fold),
        folds => format!("Fold {} ({} of {folds})", plan.fold, plan.position),
    }
}

/// `epoch 14/300`.
pub(super) fn epoch(plan: &TrainingPlan, number: usize) -> String {
    format!("epoch {number}/{}", plan.epochs)
}

/// How an epoch compares with those before it.
pub(super) fn verdict(epoch: &EpochResult) -> String {
    match (epoch.is_best(), epoch.best_before) {
        (true, None) => "the first, weights saved".to_owned(),
        (true, Some(before)) => format!("improved from {before:.4}, weights saved"),
        (false, _) => {
            let number = epoch.best_epoch.map_or(String::new(), |number| format!(" of epoch {number}"));
            format!("no improvement on {:.4}{number}", epoch.best_loss())
        }
    }
}

/// `0.1987 (epoch 12)`.
pub(super) fn best(epoch: &EpochResult) -> String {
    let number = epoch.best_epoch.map_or(String::new(), |number| format!(" (epoch {number})"));
    format!("{:.4}{number}", epoch.best_loss())
}

/// Dice of each class: `label 1: 0.871`.
pub(super) fn dice(plan: &TrainingPlan, epoch: &EpochResult) -> Vec<String> {
    // As in the tables of a run, a class without a name of its own is `label_1`.
    let name = |name: &String| name.strip_prefix("label_").map_or(name.clone(), |label| format!("label {label}"));
    plan.names.iter().map(name).zip(&epoch.dice).map(|(name, dice)| format!("{name}: {}", number(*dice))).collect()
}

/// Three digits, or a dash for what is not known.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.3}"))
}

/// `3.1 steps/s`, or `12 s per step`.
pub(super) fn speed(status: &TrainingStatus) -> Option<String> {
    let rate = status.pace?.steps_per_second;
    Some(match rate {
        10.0.. => format!("{rate:.0} steps/s"),
        0.95.. => format!("{rate:.1} steps/s"),
        _ => format!("{:.1} s per step", 1.0 / rate),
    })
}

/// `2 % waiting for data`.
pub(super) fn waiting(status: &TrainingStatus) -> Option<String> {
    status.pace.map(|pace| format!("{} waiting for data", percent(pace.waiting)))
}

/// `learning rate 9.8e-4`.
pub(super) fn rate(status: &TrainingStatus) -> String {
    format!("learning rate {:.1e}", status.learning_rate)
}

/// `1.2 GB of 12.0 GB`.
pub(super) fn memory(plan: &TrainingPlan, resident: Option<f64>) -> Option<String> {
    let resident = readable(resident?);
    Some(match plan.allowed_bytes {
        Some(allowed) => format!("{resident} of {}", readable(allowed)),
        None => resident,
    })
}

/// `3 h 10 min left`, less what has passed since the status was taken.
pub(super) fn left(status: &TrainingStatus, passed: f64) -> Option<String> {
    status.left.map(|left| format!("{} left", duration((left.fold - passed).max(0.0))))
}

/// `all folds 12 h 30 min`, where more are to come.
pub(super) fn all_left(plan: &TrainingPlan, status: &TrainingStatus, passed: f64) -> Option<String> {
    let left = status.left.filter(|_| plan.position < plan.folds)?;
    Some(format!("all folds {}", duration((left.all - passed).max(0.0))))
}

/// `48 %`, of a share from 0 to 1.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
