//! TensorBoard events of a fold: the reference's tags, and Dice per class or region.

use super::history::Epoch;
use crate::error::Result;
use crate::tensorboard::EventWriter;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// `<results>/logs/fold_<k>`.
pub fn log_folder(results: &Path, fold: usize) -> PathBuf {
    results.join("logs").join(format!("fold_{fold}"))
}

/// Event files of one fold.
pub struct Log {
    rates: EventWriter,
    training: EventWriter,
    validation: EventWriter,
}

impl Log {
    /// Starts new files in `<results>/logs/fold_<k>`; a continued run adds to what is there.
    pub fn open(results: &Path, fold: usize) -> Result<Self> {
        let folder = log_folder(results, fold);
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".into());
        let start = |folder: &Path| EventWriter::create(folder, now(), &host);
        Ok(Self {
            rates: start(&folder)?,
            training: start(&folder.join("losses_train"))?,
            validation: start(&folder.join("losses_validation"))?,
        })
    }

    /// Records a finished epoch. As in the reference the rate is that of the next epoch. `names` are those of `epoch.dice`.
    pub fn epoch(&mut self, epoch: &Epoch, next_rate: f64, names: &[String]) -> Result<()> {
        let step = epoch.number as i64;
        self.rates.scalar("learning_rate", step, next_rate as f32, now())?;
        if let Some(alpha) = epoch.loss_weight {
            self.rates.scalar("alpha", step, alpha as f32, now())?;
        }
        self.training.scalar("losses", step, epoch.training_loss as f32, now())?;
        self.validation.scalar("losses", step, epoch.validation_loss as f32, now())?;
        for (name, dice) in names.iter().zip(&epoch.dice) {
            if let Some(dice) = dice {
                self.validation.scalar(&format!("dice/{name}"), step, *dice as f32, now())?;
            }
        }
        [&mut self.rates, &mut self.training, &mut self.validation].into_iter().try_for_each(EventWriter::flush)
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
