//! The training of a fold as lines of a log file: one per epoch, and now and then one in a long epoch.

use super::words;
use mist::console::{EpochResult, TrainingPlan, TrainingStatus, TrainingView};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most time between two lines.
const PAUSE: Duration = Duration::from_secs(300);

pub(in super::super) struct PlainTraining {
    plan: TrainingPlan,
    state: Mutex<State>,
    print: fn(&str),
}

struct State {
    status: TrainingStatus,
    printed_at: Instant,
    /// Whether the last line says where the training stands.
    up_to_date: bool,
}

impl PlainTraining {
    pub(in super::super) fn new(plan: TrainingPlan, status: TrainingStatus, print: fn(&str)) -> Self {
        let state = State { status, printed_at: Instant::now(), up_to_date: true };
        Self { plan, state: Mutex::new(state), print }
    }
}

impl TrainingView for PlainTraining {
    fn update(&self, status: &TrainingStatus) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.up_to_date = state.up_to_date && state.status == *status;
        state.status = *status;
        if state.printed_at.elapsed() >= PAUSE {
            (state.printed_at, state.up_to_date) = (Instant::now(), true);
            (self.print)(&under_way(&self.plan, status));
        }
    }

    fn finished(&self, epoch: &EpochResult) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.printed_at, state.up_to_date) = (Instant::now(), true);
        (self.print)(&epoch_line(&self.plan, &state.status, epoch, mist::memory::resident()));
    }
}

/// The last line says how far it got, which is less than everything after an error or a stop.
impl Drop for PlainTraining {
    fn drop(&mut self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.up_to_date && (state.status.step > 0 || state.status.validation.is_some()) {
            (self.print)(&under_way(&self.plan, &state.status));
        }
    }
}

/// Inside an epoch.
fn under_way(plan: &TrainingPlan, status: &TrainingStatus) -> String {
    let (fold, epoch) = (words::fold(plan), words::epoch(plan, status.epoch));
    let place = match status.validation {
        None => format!("step {}/{}", status.step, plan.steps),
        Some(validation) => format!("validation {}/{}", validation.cases, plan.validation_cases),
    };
    let loss = status.loss.map(|loss| format!("loss {loss:.4}"));
    let words = [
        loss,
        words::speed(status),
        words::waiting(status),
        words::left(status, 0.0),
        words::all_left(plan, status, 0.0),
    ];
    format!("{fold}, {epoch}, {place}: {}", words.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// After an epoch.
fn epoch_line(plan: &TrainingPlan, status: &TrainingStatus, epoch: &EpochResult, resident: Option<f64>) -> String {
    let EpochResult { number, training_loss, validation_loss, .. } = epoch;
    let dice = words::dice(plan, epoch).join(", ");
    let words = [
        Some(format!("loss {training_loss:.4}")),
        Some(format!("validation {validation_loss:.4} ({})", words::verdict(epoch))),
        Some(format!("Dice {} ({dice})", words::number(epoch.mean_dice()))),
        Some(words::rate(status)),
        words::speed(status),
        words::waiting(status),
        words::memory(plan, resident),
        words::left(status, 0.0),
        words::all_left(plan, status, 0.0),
    ];
    let (fold, number) = (words::fold(plan), words::epoch(plan, *number));
    format!("{fold}, {number}: {}", words.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
