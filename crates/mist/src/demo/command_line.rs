//! The ordinary command that does what an options value says, for the reader to repeat.

use crate::convert::msd;
use crate::{analyze, evaluate, finalize, predict, preprocess, train};
use std::fmt;
use std::path::{Path, PathBuf};

/// A command of the program, ready to be pasted into a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine(Vec<String>);

impl CommandLine {
    fn new(command: &str) -> Self {
        Self(vec!["mist".to_owned(), command.to_owned()])
    }

    fn flag(mut self, flag: &str, values: impl IntoIterator<Item = impl ToString>) -> Self {
        self.0.push(flag.to_owned());
        self.0.extend(values.into_iter().map(|value| value.to_string()));
        self
    }

    fn path(self, flag: &str, path: &Path) -> Self {
        self.flag(flag, [from_here(path).display()])
    }

    fn optional<T: ToString>(self, flag: &str, value: &Option<T>) -> Self {
        match value {
            Some(value) => self.flag(flag, [value.to_string()]),
            None => self,
        }
    }

    fn switch(self, flag: &str, on: bool) -> Self {
        if on { self.flag(flag, [""; 0]) } else { self }
    }

    fn workers(self, flag: &str, count: usize) -> Self {
        if count == 1 { self } else { self.flag(flag, [count]) }
    }

    /// Program, command and flags.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

/// Words that a shell would take apart are quoted.
impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=+".contains(c);
        for (position, word) in self.0.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            if !word.is_empty() && word.chars().all(plain) {
                write!(f, "{space}{word}")?;
            } else {
                write!(f, "{space}'{}'", word.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

/// Relative to the working directory where the path lies below it.
pub(super) fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(relative) if !relative.as_os_str().is_empty() => relative.to_owned(),
        _ => path.to_owned(),
    }
}

impl From<&msd::Options> for CommandLine {
    fn from(options: &msd::Options) -> Self {
        Self::new("convert-msd")
            .path("--source", &options.source)
            .path("--output", &options.target.output)
            .workers("--num-workers-conversion", options.target.workers)
            .switch("--overwrite", options.target.overwrite)
    }
}

impl From<&analyze::Options> for CommandLine {
    fn from(options: &analyze::Options) -> Self {
        Self::new("analyze")
            .path("--data", &options.data)
            .path("--results", &options.results)
            .optional("--nfolds", &options.nfolds)
            .optional("--batch-size-per-gpu", &options.batch_size_per_gpu)
            .workers("--num-workers-analyze", options.workers)
            .switch("--verify", options.verify)
            .switch("--data-dump", options.data_dump)
            .switch("--overwrite", options.overwrite)
    }
}

impl From<&preprocess::Options> for CommandLine {
    fn from(options: &preprocess::Options) -> Self {
        Self::new("preprocess")
            .path("--results", &options.results)
            .path("--numpy", &options.numpy)
            .workers("--num-workers-preprocess", options.workers)
            .optional("--no-preprocess", &options.no_preprocess)
            .optional("--compute-dtms", &options.compute_dtms)
            .switch("--overwrite", options.overwrite)
    }
}

impl From<&train::Options> for CommandLine {
    fn from(options: &train::Options) -> Self {
        let overrides = &options.overrides;
        let line = Self::new("train").path("--results", &options.results).path("--numpy", &options.numpy);
        let line = line.optional("--model", &overrides.model);
        let line = match overrides.patch_size {
            Some(size) => line.flag("--patch-size", size),
            None => line,
        };
        let line = line
            .optional("--loss", &overrides.loss)
            .optional("--composite-loss-weighting", &overrides.composite_loss_weighting)
            .optional("--epochs", &overrides.epochs)
            .optional("--warmup-epochs", &overrides.warmup_epochs)
            .optional("--batch-size-per-gpu", &overrides.batch_size_per_gpu)
            .optional("--learning-rate", &overrides.learning_rate)
            .optional("--lr-scheduler", &overrides.lr_scheduler)
            .optional("--optimizer", &overrides.optimizer)
            .optional("--l2-penalty", &overrides.l2_penalty)
            .optional("--val-percent", &overrides.val_percent);
        let line = match &options.folds {
            Some(folds) => line.flag("--folds", folds),
            None => line,
        };
        line.switch("--resume", options.resume)
            .workers("--num-workers-evaluate", options.evaluate_workers)
            .switch("--overwrite", options.overwrite)
    }
}

impl From<&finalize::Options> for CommandLine {
    fn from(options: &finalize::Options) -> Self {
        Self::new("finalize")
            .path("--results", &options.results)
            .workers("--num-workers-evaluate", options.workers)
            .flag("--device", [&options.device])
    }
}

impl From<&predict::Options> for CommandLine {
    fn from(options: &predict::Options) -> Self {
        let line = Self::new("predict").path("--models-dir", &options.models_dir).path("--config", &options.config);
        let line = match &options.input {
            predict::Input::Csv(file) => line.path("--paths-csv", file),
            predict::Input::Folder(folder) => line.path("--images", folder),
            predict::Input::Dataset(file) => line.path("--data", file),
        };
        line.path("--output", &options.output)
            .flag("--device", [&options.device])
            .switch("--output-probs", options.probabilities.is_some())
            .switch("--resume", options.resume)
    }
}

impl From<&evaluate::Options> for CommandLine {
    fn from(options: &evaluate::Options) -> Self {
        let line = Self::new("evaluate").path("--config", &options.config);
        let line = match &options.input {
            evaluate::Input::Csv(file) => line.path("--paths-csv", file),
            evaluate::Input::Folders { masks, predictions } => {
                line.path("--masks", masks).path("--predictions", predictions)
            }
        };
        line.path("--output-csv", &options.output_csv)
            .workers("--num-workers-evaluate", options.workers)
            .switch("--validate", options.validate)
    }
}
