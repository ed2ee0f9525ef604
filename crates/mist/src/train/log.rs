//! What a fold leaves for people: TensorBoard events under the reference's tags.

use crate::error::Result;
use crate::tensorboard::EventWriter;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Event files of one fold.
pub struct Log {
    rates: EventWriter,
    training: EventWriter,
    validation: EventWriter,
}

impl Log {
    /// Starts new files in `<results>/logs/fold_<k>`; a continued run adds to what is there.
    pub fn open(results: &Path, fold: usize) -> Result<Self> {
        let folder = results.join("logs").join(format!("fold_{fold}"));
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".into());
        let start = |folder: &Path| EventWriter::create(folder, now(), &host);
        Ok(Self {
            rates: start(&folder)?,
            training: start(&folder.join("losses_train"))?,
            validation: start(&folder.join("losses_validation"))?,
        })
    }

    /// Records a finished epoch, counted from 1. As in the reference the rate is that of the next epoch.
    pub fn epoch(&mut self, epoch: usize, next_rate: f64, training: f64, validation: f64) -> Result<()> {
        let values = [
            (&mut self.rates, "learning_rate", next_rate),
            (&mut self.training, "losses", training),
            (&mut self.validation, "losses", validation),
        ];
        for (writer, tag, value) in values {
            writer.scalar(tag, epoch as i64, value as f32, now())?;
            writer.flush()?;
        }
        Ok(())
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
