//! `mist train`.

use super::memory::Memory;
use super::overwrite::Overwrite;
use super::values;
use crate::commands::{Action, Context};
use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Command};
use mist::config::{LR_SCHEDULERS, LossWeighting, OPTIMIZERS, Overrides};
use mist::train::{self, Pretrained};
use mist::{CaseFailure, Result};
use mist_nn::Registry;
use mist_nn::transfer::{ChannelStrategy, Scope};
use std::path::PathBuf;

/// Train one model per fold; flags that are given replace the value in config.json
#[derive(clap::Args)]
pub(crate) struct Train {
    /// Folder of the run, as written by `analyze`
    #[arg(long, value_name = "FOLDER", default_value = "./results", value_parser = values::path())]
    results: PathBuf,
    /// Folder of the arrays, as written by `preprocess`
    #[arg(long, value_name = "FOLDER", default_value = "./numpy", value_parser = values::path())]
    numpy: PathBuf,
    #[command(flatten)]
    recipe: Recipe,
    /// Only train 20 steps twice and compare the results bit by bit; writes nothing
    #[arg(long)]
    verify_determinism: bool,
    /// Check everything, try a few steps, and say how long training will take and how much memory; writes nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    memory: Memory,
    #[command(flatten)]
    overwrite: Overwrite,
}

// The flags that run-all shares.
#[derive(clap::Args)]
pub(crate) struct Recipe {
    /// Architecture of the network
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Size of the blocks that the network sees, in voxels along x, y and z
    #[arg(long, value_names = ["X", "Y", "Z"], num_args = 3, action = ArgAction::Set, value_parser = values::positive)]
    patch_size: Option<Vec<usize>>,
    /// Loss function
    #[arg(long, value_name = "NAME")]
    loss: Option<String>,
    /// How the weight between the two parts of a composite loss changes over the epochs
    #[arg(long, value_name = "NAME", value_parser = LossWeighting::NAMES)]
    composite_loss_weighting: Option<String>,
    /// Number of epochs, 1 or more
    #[arg(long, value_name = "COUNT", value_parser = values::positive)]
    epochs: Option<usize>,
    /// Number of patches in a training step, per device
    #[arg(long, value_name = "COUNT", value_parser = values::positive)]
    batch_size_per_gpu: Option<usize>,
    /// Learning rate after the warm-up, above 0
    #[arg(long, value_name = "RATE", value_parser = values::positive_number)]
    learning_rate: Option<f64>,
    /// How the learning rate falls after the warm-up
    #[arg(long, value_name = "NAME", value_parser = LR_SCHEDULERS)]
    lr_scheduler: Option<String>,
    /// Number of epochs in which the learning rate rises, less than --epochs
    #[arg(long, value_name = "COUNT", value_parser = values::non_negative)]
    warmup_epochs: Option<usize>,
    /// Optimizer
    #[arg(long, value_name = "NAME", value_parser = OPTIMIZERS)]
    optimizer: Option<String>,
    /// Weight decay, 0 or more
    #[arg(long, value_name = "WEIGHT", value_parser = values::non_negative_number)]
    l2_penalty: Option<f64>,
    /// Folds to train now, counted from 0 [default: all]
    #[arg(long, value_name = "FOLD", num_args = 1.., action = ArgAction::Set, value_parser = values::non_negative)]
    folds: Option<Vec<usize>>,
    /// Part of the training cases kept for validation, from 0 to below 1; 0 validates on the left-out fold
    #[arg(long, value_name = "FRACTION", value_parser = values::fraction)]
    val_percent: Option<f64>,
    /// Continue a run that was stopped
    #[arg(long)]
    resume: bool,
    /// Number of cases evaluated at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_evaluate: usize,
    /// File with weights that the training starts from, .pt or .safetensors
    #[arg(long, value_name = "FILE", value_parser = values::path(), requires = "pretrained_config")]
    pretrained_weights: Option<PathBuf>,
    /// The config.json of the run that trained them
    #[arg(long, value_name = "FILE", value_parser = values::path(), requires = "pretrained_weights")]
    pretrained_config: Option<PathBuf>,
    /// Where they are for another number of image channels: start with the mean over their channels, with their first one,
    /// or without them [default: average]
    #[arg(long, value_name = "NAME", value_parser = ["average", "first", "skip"], requires = "pretrained_weights")]
    input_channel_strategy: Option<String>,
    /// Which of them to take over [default: encoder]
    #[arg(long, value_name = "NAME", value_parser = ["encoder", "all"], requires = "pretrained_weights")]
    pretrained_scope: Option<String>,
}

impl Recipe {
    /// Models and losses that can be chosen are those of the registry.
    pub(crate) fn with_choices(command: Command, registry: &Registry) -> Command {
        let names = |names: Vec<&str>| PossibleValuesParser::new(names.into_iter().map(str::to_owned));
        command
            .mut_arg("model", |flag| flag.value_parser(names(registry.model_names())))
            .mut_arg("loss", |flag| flag.value_parser(names(registry.loss_names())))
    }

    /// What `mist train` was asked to do.
    pub(crate) fn options(
        self,
        results: PathBuf,
        numpy: PathBuf,
        memory: Memory,
        overwrite: Overwrite,
    ) -> Result<train::Options> {
        let pretrained = self.pretrained_weights.zip(self.pretrained_config).map(|(weights, config)| Pretrained {
            weights,
            config,
            strategy: match self.input_channel_strategy.as_deref() {
                Some("first") => ChannelStrategy::First,
                Some("skip") => ChannelStrategy::Skip,
                _ => ChannelStrategy::Average,
            },
            scope: if self.pretrained_scope.as_deref() == Some("all") { Scope::All } else { Scope::Encoder },
        });
        Ok(train::Options {
            pretrained,
            results,
            numpy,
            overrides: Overrides {
                model: self.model,
                patch_size: self.patch_size.and_then(|size| size.try_into().ok()),
                epochs: self.epochs,
                batch_size_per_gpu: self.batch_size_per_gpu,
                loss: self.loss,
                composite_loss_weighting: self.composite_loss_weighting,
                optimizer: self.optimizer,
                l2_penalty: self.l2_penalty,
                learning_rate: self.learning_rate,
                lr_scheduler: self.lr_scheduler,
                warmup_epochs: self.warmup_epochs,
                val_percent: self.val_percent,
            },
            folds: self.folds,
            resume: self.resume,
            verify_determinism: false,
            dry_run: false,
            evaluate_workers: self.num_workers_evaluate,
            max_memory: memory.max_memory,
            overwrite: overwrite.overwrite,
        })
    }
}

impl Action for Train {
    const NAME: &'static str = "train";

    fn with_choices(command: Command, registry: &Registry) -> Command {
        Recipe::with_choices(command, registry)
    }

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let options = self.recipe.options(self.results, self.numpy, self.memory, self.overwrite)?;
        let options = train::Options { verify_determinism: self.verify_determinism, dry_run: self.dry_run, ..options };
        train::run(&options, context.registry, context.console)
    }
}
