//! What those who watch a fold see of it, and how long the rest will take.

use super::checkpoint::Checkpoint;
use super::fold::FoldRun;
use super::history::Epoch;
use crate::console::{
    Console, EpochResult, Pace, TimeLeft, TrainingPlan, TrainingStatus, TrainingView, ValidationStatus,
};
use crate::memory::Allowance;
use std::time::{Duration, Instant};

/// A fold among those of the call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// From 1.
    pub position: usize,
    /// Folds of the call.
    pub folds: usize,
    /// Epochs of the folds after it.
    pub epochs_after: usize,
    /// Memory that the process may take.
    pub memory: Allowance,
    /// Seconds of a validation, where there was a forecast.
    pub validation_seconds: Option<f64>,
}

/// A fold that is being watched.
pub struct Watch {
    view: Box<dyn TrainingView>,
    status: TrainingStatus,
    outlook: Outlook,
    /// Begin of the steps, or of the validation.
    begin: Instant,
    /// Steps since then.
    steps: usize,
}

impl Watch {
    /// `epochs` are those that are done.
    pub fn new(run: &FoldRun, place: Place, state: &Checkpoint, epochs: &[Epoch], console: &dyn Console) -> Self {
        let Place { position, folds, epochs_after, memory, validation_seconds } = place;
        let last = epochs.split_last().and_then(|(_, before)| result(epochs, smallest(before)));
        let plan = TrainingPlan {
            fold: state.fold,
            position,
            folds,
            epochs: run.epochs,
            steps: run.steps,
            validation_cases: run.validator.cases.len(),
            names: run.names.to_vec(),
            allowed_bytes: memory.bytes(),
            last,
        };
        let status = TrainingStatus {
            epoch: state.epoch + 1,
            step: state.step,
            loss: mean_loss(state),
            learning_rate: state.schedule.rate(state.epoch as u64),
            pace: None,
            validation: None,
            left: None,
        };
        let validation = validation_seconds;
        let outlook = Outlook { steps: run.steps, epochs: run.epochs, epochs_after, validation, validated: 0.0 };
        Self { view: console.training(plan, status), status, outlook, begin: Instant::now(), steps: 0 }
    }

    /// The steps of an epoch, or what is left of them, begin.
    pub fn begin_epoch(&mut self, state: &Checkpoint) {
        (self.begin, self.steps) = (Instant::now(), 0);
        self.status = TrainingStatus {
            epoch: state.epoch + 1,
            step: state.step,
            loss: mean_loss(state),
            learning_rate: state.schedule.rate(state.epoch as u64),
            validation: None,
            ..self.status
        };
        self.view.update(&self.status);
    }

    /// A step is done. `waited` is the time since the begin of the epoch that went by waiting for batches.
    pub fn step(&mut self, state: &Checkpoint, waited: Duration) {
        self.steps += 1;
        let seconds = self.begin.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
        self.status.step = state.step;
        self.status.loss = mean_loss(state);
        self.status.pace =
            Some(Pace { steps_per_second: self.steps as f64 / seconds, waiting: waited.as_secs_f64() / seconds });
        self.update();
    }

    /// How fast the steps of this epoch went, if there were any.
    pub fn pace(&self) -> Option<Pace> {
        self.status.pace.filter(|_| self.steps > 0)
    }

    /// The steps of the epoch are done.
    pub fn begin_validation(&mut self) {
        self.begin = Instant::now();
        self.status.validation = Some(ValidationStatus::default());
        self.update();
    }

    /// So many cases were validated, with this mean loss.
    pub fn validated(&mut self, cases: usize, loss: f64) {
        self.status.validation = Some(ValidationStatus { cases, loss: Some(loss) });
        self.update();
    }

    /// The epoch is over; it is the last one of these. Before it, `best` was the smallest validation loss, infinite if there
    /// was none.
    pub fn finish_epoch(&mut self, epochs: &[Epoch], best: f64) {
        self.outlook.validation = Some(self.begin.elapsed().as_secs_f64());
        let done = self.status.epoch;
        self.status.left = self.seconds_per_step().map(|seconds| self.outlook.left(done, 0, seconds));
        self.view.update(&self.status);
        if let Some(result) = result(epochs, best.is_finite().then_some(best)) {
            self.view.finished(&result);
        }
    }

    fn update(&mut self) {
        let TrainingStatus { epoch, step, validation, .. } = self.status;
        let validated = validation.map_or(0.0, |_| self.begin.elapsed().as_secs_f64());
        let outlook = self.outlook.after(validated);
        self.status.left = self.seconds_per_step().map(|seconds| outlook.left(epoch - 1, step, seconds));
        self.view.update(&self.status);
    }

    fn seconds_per_step(&self) -> Option<f64> {
        self.status.pace.map(|pace| 1.0 / pace.steps_per_second)
    }
}

/// What the time that is left is made of.
#[derive(Clone, Copy, Debug)]
struct Outlook {
    steps: usize,
    epochs: usize,
    epochs_after: usize,
    /// Seconds of a validation, as far as they are known.
    validation: Option<f64>,
    /// Seconds that the validation at hand has taken.
    validated: f64,
}

impl Outlook {
    /// The same where a validation has taken so many seconds.
    fn after(self, validated: f64) -> Self {
        Self { validated, ..self }
    }

    /// After so many epochs and steps of the next one.
    fn left(&self, epochs: usize, step: usize, seconds_per_step: f64) -> TimeLeft {
        let validation = self.validation.unwrap_or(0.0);
        let epoch = self.steps as f64 * seconds_per_step + validation;
        let done = step as f64 * seconds_per_step + self.validated.min(validation);
        let fold = self.epochs.saturating_sub(epochs) as f64 * epoch - done;
        TimeLeft { fold: fold.max(0.0), all: fold.max(0.0) + self.epochs_after as f64 * epoch }
    }
}

fn mean_loss(state: &Checkpoint) -> Option<f64> {
    (state.step > 0).then(|| state.loss_sum / state.step as f64)
}

/// The smallest validation loss.
fn smallest(epochs: &[Epoch]) -> Option<f64> {
    epochs.iter().map(|epoch| epoch.validation_loss).min_by(f64::total_cmp)
}

/// The last of these epochs; before it, the smallest validation loss was `best_before`.
fn result(epochs: &[Epoch], best_before: Option<f64>) -> Option<EpochResult> {
    let last = epochs.last()?;
    let best = best_before.map_or(last.validation_loss, |before| before.min(last.validation_loss));
    Some(EpochResult {
        number: last.number,
        training_loss: last.training_loss,
        validation_loss: last.validation_loss,
        best_before,
        best_epoch: epochs.iter().find(|epoch| epoch.validation_loss <= best).map(|epoch| epoch.number),
        dice: last.dice.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_are_steps_and_validations_of_this_and_the_later_folds() {
        let outlook = Outlook { steps: 10, epochs: 4, epochs_after: 8, validation: Some(5.0), validated: 0.0 };
        assert_eq!(outlook.left(0, 0, 2.0), TimeLeft { fold: 4.0 * 25.0, all: 12.0 * 25.0 });
        assert_eq!(outlook.left(1, 3, 2.0), TimeLeft { fold: 3.0 * 25.0 - 6.0, all: 11.0 * 25.0 - 6.0 });
        assert_eq!(outlook.left(4, 0, 2.0), TimeLeft { fold: 0.0, all: 200.0 });
        assert_eq!(outlook.after(2.0).left(3, 10, 2.0), TimeLeft { fold: 3.0, all: 203.0 });
        assert_eq!(outlook.after(9.0).left(3, 10, 2.0), TimeLeft { fold: 0.0, all: 200.0 }, "longer than the last one");
        let unknown = Outlook { validation: None, ..outlook };
        assert_eq!(unknown.left(3, 10, 2.0), TimeLeft { fold: 0.0, all: 160.0 });
    }

    #[test]
    fn an_epoch_is_seen_among_those_before_it() {
        let epoch = |number: usize, validation_loss: f64| Epoch {
            number,
            learning_rate: 1e-3,
            loss_weight: None,
            training_loss: 0.5,
            validation_loss,
            steps_per_second: None,
            waiting: None,
            dice: vec![Some(0.5), None],
        };
        let epochs = [epoch(1, 0.4), epoch(2, 0.3), epoch(3, 0.35)];
        assert_eq!((smallest(&epochs), smallest(&[])), (Some(0.3), None));
        assert_eq!(result(&[], None), None);
        let seen = result(&epochs, Some(0.3)).unwrap();
        assert_eq!((seen.number, seen.best_epoch, seen.is_best()), (3, Some(2), false));
        assert_eq!(seen.dice, [Some(0.5), None]);
        let seen = result(&epochs[..2], Some(0.4)).unwrap();
        assert_eq!((seen.best_epoch, seen.is_best()), (Some(2), true));
        let seen = result(&epochs, Some(0.2)).unwrap();
        assert_eq!((seen.best_epoch, seen.is_best()), (None, false), "the best epoch is no longer on record");
    }
}
