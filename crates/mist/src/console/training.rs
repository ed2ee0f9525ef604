//! What can be seen of a training while it runs, as data; how it looks is up to the console.

/// A fold, before it goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingPlan {
    /// Cross-validation fold, from 0.
    pub fold: usize,
    /// Its place among the folds of this call, from 1.
    pub position: usize,
    /// Folds of this call.
    pub folds: usize,
    /// Epochs of the whole fold.
    pub epochs: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Cases that validate after each.
    pub validation_cases: usize,
    /// What the Dice of [`EpochResult`] are of: classes or regions.
    pub names: Vec<String>,
    /// Memory that the process may take, in bytes, where that is known.
    pub allowed_bytes: Option<f64>,
    /// The last epoch of an earlier call.
    pub last: Option<EpochResult>,
}

/// Where a fold stands. Numbers only, so that one can be made after every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingStatus {
    /// The epoch under way, from 1.
    pub epoch: usize,
    /// Its steps that are done.
    pub step: usize,
    /// Mean loss of these.
    pub loss: Option<f64>,
    /// Learning rate of the epoch.
    pub learning_rate: f64,
    /// How fast the steps go; not known before the first one of this call.
    pub pace: Option<Pace>,
    /// The validation after the steps, if it has begun.
    pub validation: Option<ValidationStatus>,
    /// How long the rest will take.
    pub left: Option<TimeLeft>,
}

/// How fast the steps of an epoch go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Steps per second.
    pub steps_per_second: f64,
    /// Share of the time that goes by waiting for batches, 0 to 1.
    pub waiting: f64,
}

/// Where the validation after an epoch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ValidationStatus {
    /// Cases that are done.
    pub cases: usize,
    /// Mean loss of these.
    pub loss: Option<f64>,
}

/// Seconds until the end, validation included, unless a fold stops early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeLeft {
    /// Of this fold.
    pub fold: f64,
    /// Of all folds of this call.
    pub all: f64,
}

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochResult {
    /// Its number, from 1.
    pub number: usize,
    /// Mean loss of its steps.
    pub training_loss: f64,
    /// Mean loss of the validation cases.
    pub validation_loss: f64,
    /// Smallest validation loss of the epochs before, if there were any.
    pub best_before: Option<f64>,
    /// The epoch with the smallest validation loss so far; the weights that are kept are those after it.
    pub best_epoch: Option<usize>,
    /// Mean Dice of each class or region over the validation cases that have it.
    pub dice: Vec<Option<f64>>,
}

impl EpochResult {
    /// True if no epoch before had so small a validation loss.
    pub fn is_best(&self) -> bool {
        self.best_before.is_none_or(|before| self.validation_loss < before)
    }

    /// Smallest validation loss so far.
    pub fn best_loss(&self) -> f64 {
        self.best_before.map_or(self.validation_loss, |before| before.min(self.validation_loss))
    }

    /// Mean of the Dice that there are.
    pub fn mean_dice(&self) -> Option<f64> {
        let known: Vec<f64> = self.dice.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }
}

/// A fold on the screen; what is there last stays when this is dropped.
pub trait TrainingView: Send + Sync {
    /// The fold stands there now. Called after every step, so it must cost next to nothing.
    fn update(&self, status: &TrainingStatus);
    /// An epoch is over.
    fn finished(&self, epoch: &EpochResult);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_epoch_has_the_smallest_validation_loss() {
        let epoch = |validation_loss, best_before| EpochResult {
            number: 2,
            training_loss: 0.5,
            validation_loss,
            best_before,
            best_epoch: None,
            dice: vec![Some(0.5), None, Some(0.75)],
        };
        assert!(epoch(0.5, None).is_best() && epoch(0.5, Some(0.6)).is_best() && !epoch(0.5, Some(0.5)).is_best());
        assert_eq!([epoch(0.5, Some(0.4)).best_loss(), epoch(0.5, Some(0.6)).best_loss()], [0.4, 0.5]);
        assert_eq!(epoch(0.5, None).mean_dice(), Some(0.625));
        assert_eq!(EpochResult { dice: vec![None], ..epoch(0.5, None) }.mean_dice(), None);
    }
}
