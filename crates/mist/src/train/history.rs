//! What each epoch of a fold came to, in `logs/fold_<k>/history.csv`, for people and spreadsheets.

use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::tables::CsvFile;
use std::path::{Path, PathBuf};

/// Columns before those of the classes.
const COLUMNS: [&str; 7] = [
    "epoch",
    "learning_rate",
    "loss_weight",
    "training_loss",
    "validation_loss",
    "steps_per_second",
    "waiting_for_data",
];

/// One epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Epoch {
    /// From 1.
    pub number: usize,
    /// Learning rate of its steps.
    pub learning_rate: f64,
    /// Weight α of the first term of a composite loss that follows a schedule.
    pub loss_weight: Option<f64>,
    /// Mean loss of its steps.
    pub training_loss: f64,
    /// Mean loss of the validation cases after it.
    pub validation_loss: f64,
    /// Steps per second, without validation; not known when none was left to do.
    pub steps_per_second: Option<f64>,
    /// Share of the time of the steps that went by waiting for batches, 0 to 1.
    pub waiting: Option<f64>,
    /// Mean Dice of each foreground class over those validation cases that have it, in truth or prediction.
    pub dice: Vec<Option<f64>>,
}

/// The epochs of a fold so far.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    labels: Vec<i64>,
    epochs: Vec<Epoch>,
}

impl History {
    /// The history in `folder` up to and including epoch `done`; what a stopped run wrote after its last checkpoint is dropped.
    /// `labels` are those of the foreground classes.
    pub fn open(folder: &Path, labels: &[i64], done: usize) -> Result<Self> {
        let path = folder.join("history.csv");
        let mut history = Self { path, labels: labels.to_vec(), epochs: Vec::new() };
        if done > 0 && history.path.is_file() {
            history.epochs = history.read()?;
            history.epochs.retain(|epoch| epoch.number <= done);
        }
        Ok(history)
    }

    /// Adds an epoch and writes the file anew.
    pub fn add(&mut self, epoch: Epoch) -> Result<()> {
        self.epochs.push(epoch);
        write_atomically(&self.path, self.to_csv().as_bytes())
    }

    /// The epochs, oldest first.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Labels of the classes of [`Epoch::dice`].
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    fn header(&self) -> Vec<String> {
        let dice = self.labels.iter().map(|label| format!("dice_label_{label}"));
        COLUMNS.iter().map(|name| (*name).to_owned()).chain(dice).collect()
    }

    fn to_csv(&self) -> String {
        let optional = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let mut text = self.header().join(",") + "\n";
        for epoch in &self.epochs {
            let mut fields = vec![
                epoch.number.to_string(),
                epoch.learning_rate.to_string(),
                optional(epoch.loss_weight),
                epoch.training_loss.to_string(),
                epoch.validation_loss.to_string(),
                optional(epoch.steps_per_second),
                optional(epoch.waiting),
            ];
            fields.extend(epoch.dice.iter().map(|dice| optional(*dice)));
            text += &(fields.join(",") + "\n");
        }
        text
    }

    fn read(&self) -> Result<Vec<Epoch>> {
        let file = CsvFile::read(&self.path)?;
        let columns: Vec<usize> = self.header().iter().map(|name| file.column(name)).collect::<Result<_>>()?;
        file.rows(|row| {
            let optional = |index: usize| {
                let text = row.text(columns[index]);
                if text.is_empty() {
                    return Ok(None);
                }
                let number = text.parse::<f64>();
                number.map(Some).map_err(|_| Error::new(format!("`{text}` is no number")).at(&self.path))
            };
            let number = |index: usize| optional(index).map(|value| value.unwrap_or(f64::NAN));
            Ok(Epoch {
                number: row.count(columns[0])?,
                learning_rate: number(1)?,
                loss_weight: optional(2)?,
                training_loss: number(3)?,
                validation_loss: number(4)?,
                steps_per_second: optional(5)?,
                waiting: optional(6)?,
                dice: (COLUMNS.len()..columns.len()).map(optional).collect::<Result<_>>()?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn epoch(number: usize) -> Epoch {
        Epoch {
            number,
            learning_rate: 1e-3 / number as f64,
            loss_weight: (number > 1).then_some(0.1),
            training_loss: 1.0 / 3.0,
            validation_loss: 0.25,
            steps_per_second: None,
            waiting: Some(0.125),
            dice: vec![Some(0.5), None],
        }
    }

    #[test]
    fn a_continued_run_keeps_what_its_checkpoint_knows() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::open(folder.path(), &[1, 4], 0).unwrap();
        (1..=3).for_each(|number| history.add(epoch(number)).unwrap());

        let mut continued = History::open(folder.path(), &[1, 4], 2).unwrap();
        assert_eq!(continued.epochs(), [epoch(1), epoch(2)]);
        continued.add(epoch(3)).unwrap();
        assert_eq!(continued.epochs(), history.epochs());
        assert!(History::open(folder.path(), &[1, 4], 0).unwrap().epochs().is_empty(), "a new run starts anew");
    }

    #[test]
    fn a_table_of_another_data_set_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        History::open(folder.path(), &[1], 0).unwrap().add(Epoch { dice: vec![None], ..epoch(1) }).unwrap();
        let error = History::open(folder.path(), &[2], 1).unwrap_err().to_string();
        assert!(error.contains("dice_label_2"), "{error}");
    }
}
