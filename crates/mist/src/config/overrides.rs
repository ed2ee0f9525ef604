//! Flags of the command line that replace values of the configuration.

use super::{Config, LossWeighting};
use crate::error::{Error, Result};
use crate::text::python_float;
use std::fmt;

/// Options of the command line that override keys of the config. None: the key stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// `model.architecture`
    pub model: Option<String>,
    /// `spatial_config.patch_size`, voxels along x, y, z
    pub patch_size: Option<[usize; 3]>,
    /// `training.epochs`
    pub epochs: Option<usize>,
    /// `training.batch_size_per_gpu`
    pub batch_size_per_gpu: Option<usize>,
    /// `training.loss.name`
    pub loss: Option<String>,
    /// `training.loss.composite_loss_weighting`, with the default parameters of that name
    pub composite_loss_weighting: Option<String>,
    /// `training.optimizer`
    pub optimizer: Option<String>,
    /// `training.l2_penalty`
    pub l2_penalty: Option<f64>,
    /// `training.learning_rate`
    pub learning_rate: Option<f64>,
    /// `training.lr_scheduler`
    pub lr_scheduler: Option<String>,
    /// `training.warmup_epochs`
    pub warmup_epochs: Option<usize>,
    /// `training.val_percent`, in [0, 1)
    pub val_percent: Option<f64>,
}

/// A key that an override gave another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Key path.
    pub key: &'static str,
    /// Value before.
    pub old: String,
    /// Value now.
    pub new: String,
}

/// `training.epochs: 1000 → 50`
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} → {}", self.key, self.old, self.new)
    }
}

impl Overrides {
    /// Puts the given values into the config and says which keys changed. Names are checked when the config is
    /// (see [`Config::update`]); numbers that no config may have are usage errors here, and leave the config alone.
    pub fn apply(&self, config: &mut Config) -> Result<Vec<Change>> {
        self.check()?;
        let mut changes = Changes::default();
        let training = &mut config.training;
        changes.set("model.architecture", &mut config.model.architecture, &self.model, String::clone);
        changes.set("spatial_config.patch_size", &mut config.spatial_config.patch_size, &self.patch_size, |size| {
            size.map(|voxels| voxels.to_string()).join(" ")
        });
        changes.set("training.epochs", &mut training.epochs, &self.epochs, usize::to_string);
        changes.set(
            "training.batch_size_per_gpu",
            &mut training.batch_size_per_gpu,
            &self.batch_size_per_gpu,
            usize::to_string,
        );
        changes.set("training.loss.name", &mut training.loss.name, &self.loss, String::clone);
        if let Some(name) = &self.composite_loss_weighting {
            let weighting = Some(LossWeighting::with_defaults(name));
            let current = &mut training.loss.composite_loss_weighting;
            changes.set("training.loss.composite_loss_weighting", current, &weighting, describe);
        }
        changes.set("training.optimizer", &mut training.optimizer, &self.optimizer, String::clone);
        changes.set("training.l2_penalty", &mut training.l2_penalty, &self.l2_penalty, |v| python_float(*v));
        changes.set("training.learning_rate", &mut training.learning_rate, &self.learning_rate, |v| python_float(*v));
        changes.set("training.lr_scheduler", &mut training.lr_scheduler, &self.lr_scheduler, String::clone);
        changes.set("training.warmup_epochs", &mut training.warmup_epochs, &self.warmup_epochs, usize::to_string);
        changes.set("training.val_percent", &mut training.val_percent, &self.val_percent, |v| python_float(*v));
        Ok(changes.0)
    }

    fn check(&self) -> Result<()> {
        let wrong = |flag: &str, value: String, allowed: &str| {
            Err(Error::usage(format!("{flag} {value} is not allowed")).because(format!("it must be {allowed}")))
        };
        if let Some(size) = self.patch_size.filter(|size| size.contains(&0)) {
            let text = size.map(|voxels| voxels.to_string()).join(" ");
            return wrong("--patch-size", text, "three whole numbers, 1 or more");
        }
        if self.batch_size_per_gpu == Some(0) {
            return wrong("--batch-size-per-gpu", "0".into(), "a whole number, 1 or more");
        }
        if let Some(value) = self.l2_penalty.filter(|value| !(value.is_finite() && *value >= 0.0)) {
            return wrong("--l2-penalty", python_float(value), "a number, 0 or more");
        }
        if let Some(value) = self.learning_rate.filter(|value| !(value.is_finite() && *value > 0.0)) {
            return wrong("--learning-rate", python_float(value), "a number above 0");
        }
        if let Some(value) = self.val_percent.filter(|value| !(0.0..1.0).contains(value)) {
            return wrong("--val-percent", python_float(value), "a number from 0 to below 1");
        }
        let weighting = self.composite_loss_weighting.as_ref();
        if let Some(name) = weighting.filter(|name| !LossWeighting::NAMES.contains(&name.as_str())) {
            let allowed = format!("one of {}", LossWeighting::NAMES.join(", "));
            return wrong("--composite-loss-weighting", name.clone(), &allowed);
        }
        Ok(())
    }
}

fn describe(weighting: &Option<LossWeighting>) -> String {
    match weighting {
        None => "null".into(),
        Some(weighting) => serde_json::to_string(weighting).unwrap_or_else(|_| format!("{weighting:?}")),
    }
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn set<T: Clone + PartialEq>(
        &mut self,
        key: &'static str,
        current: &mut T,
        given: &Option<T>,
        show: impl Fn(&T) -> String,
    ) {
        let Some(given) = given.as_ref().filter(|given| **given != *current) else { return };
        self.0.push(Change { key, old: show(current), new: show(given) });
        *current = given.clone();
    }
}
