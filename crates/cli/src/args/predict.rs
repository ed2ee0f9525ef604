//! `mist predict`.

use super::memory::Memory;
use super::{later, values};
use crate::commands::{Action, Context};
use mist::{CaseFailure, Result, predict};
use std::path::PathBuf;

/// Segment scans with the trained models
#[derive(clap::Args)]
pub(crate) struct Predict {
    /// Folder that holds the models, fold_0.pt and so on; the mean of all is used
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    models_dir: PathBuf,
    /// The config.json that the models were trained with
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    config: PathBuf,
    #[command(flatten)]
    input: Input,
    /// Folder for the segmentations, one <id>.nii.gz per case; created if missing
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    output: PathBuf,
    /// Where the networks run: cpu, cuda, or the index of a GPU; this version computes on the CPU whatever is asked for
    #[arg(long, value_name = "DEVICE", default_value = "cpu", value_parser = values::device)]
    device: String,
    /// Rules for cleaning up the segmentations (not available in this version)
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    postprocess_strategy: Option<PathBuf>,
    /// Also write the probability of every class, as images with one value per class in probabilities/ of the output folder;
    /// the segmentations then go to discrete/
    #[arg(long)]
    output_probs: bool,
    #[command(flatten)]
    memory: Memory,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Input {
    /// Cases to segment: a CSV file with a column `id` and one column per image
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    paths_csv: Option<PathBuf>,
    /// Folder of the cases to segment, instead of a CSV file: <id>/<channel>.nii.gz or <id>_<channel>.nii.gz; where there is
    /// one channel also <id>.nii.gz, and names are taken as ids whole unless all of them end in _<channel>
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    images: Option<PathBuf>,
}

impl Predict {
    fn options(self) -> Result<predict::Options> {
        later::refuse(&[("--postprocess-strategy", self.postprocess_strategy.is_some())])?;
        let input = match (self.input.paths_csv, self.input.images) {
            (Some(file), _) => predict::Input::Csv(file),
            (None, Some(folder)) => predict::Input::Folder(folder),
            (None, None) => return Err(mist::Error::usage("--paths-csv or --images is needed")),
        };
        Ok(predict::Options {
            models_dir: self.models_dir,
            config: self.config,
            input,
            output: self.output,
            device: self.device,
            output_probabilities: self.output_probs,
            max_memory: self.memory.max_memory,
        })
    }
}

impl Action for Predict {
    const NAME: &'static str = "predict";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        predict::run(&self.options()?, context.registry, context.console)
    }
}
