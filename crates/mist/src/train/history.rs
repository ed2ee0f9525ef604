//! What each epoch of a fold came to, in `logs/fold_<k>/history.csv`, for people and spreadsheets.

use crate::console::Console;
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
    /// Mean Dice of each output but the background over those validation cases that have it, in truth or prediction.
    pub dice: Vec<Option<f64>>,
}

/// Epochs after the first one with the smallest validation loss.
pub fn since_best(epochs: &[Epoch]) -> usize {
    let best = epochs.iter().map(|epoch| epoch.validation_loss).fold(f64::INFINITY, f64::min);
    epochs.iter().skip_while(|epoch| epoch.validation_loss > best).count().saturating_sub(1)
}

/// The epochs of a fold so far.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    names: Vec<String>,
    epochs: Vec<Epoch>,
}

impl History {
    /// The history in `folder` up to and including epoch `done`; what a stopped run wrote after its last checkpoint is dropped.
    /// `names` are those of the outputs but the background.
    /// A file that cannot be read, as after a spreadsheet program has saved it, is set aside with a warning.
    pub fn open(folder: &Path, names: &[String], done: usize, console: &dyn Console) -> Result<Self> {
        let path = folder.join("history.csv");
        let mut history = Self { path, names: names.to_vec(), epochs: Vec::new() };
        if done == 0 || !history.path.is_file() {
            return Ok(history);
        }
        match history.read() {
            Ok(epochs) => history.epochs = epochs.into_iter().filter(|epoch| epoch.number <= done).collect(),
            Err(error) => {
                let aside = folder.join("history.unreadable.csv");
                console.warn(&format!("{error}; it is now {}, and the history begins anew", aside.display()));
                let failed = |error| Error::new("cannot set the file aside").at(&history.path).because(error);
                std::fs::rename(&history.path, &aside).map_err(failed)?;
            }
        }
        Ok(history)
    }

    /// What is on record in `folder`, without the Dice of the classes; nothing if it cannot be read.
    pub fn on_record(folder: &Path) -> Vec<Epoch> {
        let history = Self { path: folder.join("history.csv"), names: Vec::new(), epochs: Vec::new() };
        history.read().unwrap_or_default()
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

    /// Names of the outputs of [`Epoch::dice`].
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn header(&self) -> Vec<String> {
        let dice = self.names.iter().map(|name| format!("dice_{name}"));
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
    use crate::console::Silent;

    fn names() -> [String; 2] {
        ["label_1".into(), "label_4".into()]
    }

    fn epoch(number: usize) -> Epoch {
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
        let mut history = History::open(folder.path(), &names(), 0, &Silent).unwrap();
        (1..=3).for_each(|number| history.add(epoch(number)).unwrap());

        let mut continued = History::open(folder.path(), &names(), 2, &Silent).unwrap();
        assert_eq!(continued.epochs(), [epoch(1), epoch(2)]);
        continued.add(epoch(3)).unwrap();
        assert_eq!(continued.epochs(), history.epochs());
        assert!(
            History::open(folder.path(), &names(), 0, &Silent).unwrap().epochs().is_empty(),
            "a new run starts anew"
        );
    }

    #[test]
    fn patience_counts_from_the_smallest_loss() {
        let losses = |losses: &[f64]| -> Vec<Epoch> {
            losses.iter().map(|&validation_loss| Epoch { validation_loss, ..epoch(1) }).collect()
        };
        assert_eq!(since_best(&[]), 0);
        assert_eq!(since_best(&losses(&[0.5, 0.4])), 0);
        assert_eq!(since_best(&losses(&[0.5, 0.3, 0.4, 0.3])), 2);
    }

    #[test]
    fn a_table_that_cannot_be_read_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("history.csv"), "epoch;learning_rate\n1;0,001\n").unwrap();
        let mut history = History::open(folder.path(), &names(), 1, &Silent).unwrap();
        history.add(epoch(2)).unwrap();
        assert_eq!(history.epochs(), [epoch(2)]);
        assert!(folder.path().join("history.unreadable.csv").is_file());
    }
}
