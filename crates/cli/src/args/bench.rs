//! `mist bench`.

use super::values;
use crate::commands::{Action, Context};
use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Command};
use mist::bench::{self, Pass};
use mist::{CaseFailure, Result};
use mist_nn::Registry;

/// Measure how fast a network trains or predicts on this machine
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Architecture
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Size of a patch in voxels, x y z
    #[arg(long, value_name = "VOXELS", num_args = 3, required = true, action = ArgAction::Set)]
    #[arg(value_parser = values::positive)]
    patch_size: Vec<usize>,
    /// Patches in a batch
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    batch_size: usize,
    /// What is timed: prediction of a batch, or an optimizer step of training
    #[arg(long, value_name = "NAME", default_value = "forward", value_parser = ["forward", "train"])]
    pass: String,
    /// Channels of the images
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    in_channels: usize,
    /// Classes, background included; at least 2
    #[arg(long, value_name = "COUNT", default_value = "3", value_parser = values::class_count)]
    out_channels: usize,
    /// Number of threads [default: one per core]
    #[arg(long, value_name = "COUNT", value_parser = values::positive)]
    threads: Option<usize>,
    /// Vector instructions to use [default: the fastest of this machine]; results do not depend on them
    #[arg(long, value_name = "NAME", value_parser = mist_nn::INSTRUCTION_SETS)]
    vector_instructions: Option<String>,
    /// How long to repeat; at least five repetitions are made
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = values::non_negative_number)]
    seconds: f64,
    /// Also list the operations of the network with their times
    #[arg(long)]
    layers: bool,
    /// With --pass train: also train on batches that the loader prepares meanwhile from made-up cases in memory, with all
    /// augmentations, and compare with one fixed batch
    #[arg(long)]
    loader: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Bench {
    fn options(self) -> Result<bench::Options> {
        let size = <[usize; 3]>::try_from(self.patch_size);
        Ok(bench::Options {
            model: self.model,
            patch_size: size.map_err(|_| mist::Error::usage("--patch-size needs three numbers"))?,
            batch_size: self.batch_size,
            pass: if self.pass == Pass::Train.name() { Pass::Train } else { Pass::Forward },
            in_channels: self.in_channels,
            out_channels: self.out_channels,
            threads: self.threads,
            vector_instructions: self.vector_instructions,
            seconds: self.seconds,
            json: self.json,
            layers: self.layers,
            loader: self.loader,
        })
    }
}

impl Action for Bench {
    const NAME: &'static str = "bench";

    fn with_choices(command: Command, registry: &Registry) -> Command {
        let names = registry.model_names().into_iter().map(str::to_owned);
        command.mut_arg("model", |flag| flag.value_parser(PossibleValuesParser::new(names.collect::<Vec<_>>())))
    }

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        bench::run(&self.options()?, context.registry, context.console)
    }
}
