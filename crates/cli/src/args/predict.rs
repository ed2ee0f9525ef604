//! `mist predict`.

use super::memory::Memory;
use super::values;
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
    /// Rules for cleaning up the segmentations, a JSON file; `mist describe-transforms` tells what there is
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    postprocess_strategy: Option<PathBuf>,
    /// Also write the probability of every class, as images with one value per class in probabilities/ of the output folder;
    /// the segmentations then go to discrete/
    #[arg(long)]
    output_probs: bool,
    /// What the probabilities are like: `reference` as MIST writes them, each class interpolated on its own; `normalized` from 0
    /// to 1 with a sum of 1 everywhere; implies --output-probs
    #[arg(long, value_name = "KIND", value_parser = ["reference", "normalized"])]
    probabilities: Option<String>,
    /// Windows that a network gets at once; by default what the config says, or up to twice the batch size of training, fewer
    /// of large patches. Changes speed and memory, never the result
    #[arg(long, value_name = "COUNT", value_parser = values::positive)]
    sw_batch_size: Option<usize>,
    /// Leave out the cases that are done: whose segmentation is there, made from the same scans, weights and settings
    #[arg(long)]
    resume: bool,
    /// Predict only a part of the cases, such as 2/8 for the second of eight jobs; each job gets the same command
    #[arg(long, value_name = "PART/PARTS", value_parser = predict::Shard::parse)]
    shard: Option<predict::Shard>,
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
    /// Description of a data set, instead of a CSV file: the cases in its folder `test-data` are segmented
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    data: Option<PathBuf>,
}

impl Predict {
    fn options(self) -> Result<predict::Options> {
        let Input { paths_csv, images, data } = self.input;
        let input = paths_csv
            .map(predict::Input::Csv)
            .or(images.map(predict::Input::Folder))
            .or(data.map(predict::Input::Dataset))
            .ok_or_else(|| mist::Error::usage("--paths-csv, --images or --data is needed"))?;
        Ok(predict::Options {
            models_dir: self.models_dir,
            config: self.config,
            input,
            output: self.output,
            device: self.device,
            probabilities: match self.probabilities.as_deref() {
                Some("normalized") => Some(predict::ProbabilityMaps::Normalized),
                Some(_) => Some(predict::ProbabilityMaps::Reference),
                None => self.output_probs.then_some(predict::ProbabilityMaps::Reference),
            },
            postprocess_strategy: self.postprocess_strategy,
            window_batch: self.sw_batch_size,
            resume: self.resume,
            shard: self.shard,
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
