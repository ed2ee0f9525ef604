//! `mist models`.

use super::values;
use crate::commands::{Action, Context};
use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Command};
use mist::{CaseFailure, Error, Result, models};
use mist_nn::Registry;

/// List the architectures, or describe one: its layers, parameters, memory and work
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Models {
    /// The list as JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Print what an architecture is made of, and the work and memory that a patch takes; computes nothing
    Describe {
        /// Architecture
        #[arg(value_name = "NAME")]
        model: String,
        /// Size of a patch in voxels, x y z
        #[arg(long, value_name = "VOXELS", num_args = 3, required = true, action = ArgAction::Set)]
        #[arg(value_parser = values::patch_extent)]
        patch_size: Vec<usize>,
        /// Voxel spacing in mm, x y z; some architectures adapt to it [default: 1 1 1]
        #[arg(long, value_name = "MM", num_args = 3, action = ArgAction::Set, value_parser = values::positive_number)]
        target_spacing: Option<Vec<f64>>,
        /// Channels of the images
        #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::up_to_1024)]
        in_channels: usize,
        /// Classes, background included; at least 2
        #[arg(long, value_name = "COUNT", default_value = "3", value_parser = values::class_count)]
        out_channels: usize,
        /// Depthwise kernel of MedNeXt: 3, 5 or 7 [default: 3]
        #[arg(long, value_name = "VOXELS", value_parser = values::up_to_1024)]
        kernel_size: Option<usize>,
        /// Patches in a batch
        #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::up_to_1024)]
        batch_size: usize,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl Action for Models {
    const NAME: &'static str = "models";

    fn with_choices(command: Command, registry: &Registry) -> Command {
        let names: Vec<String> = registry.model_names().into_iter().map(str::to_owned).collect();
        command.mut_subcommand("describe", |describe| {
            describe.mut_arg("model", |argument| argument.value_parser(PossibleValuesParser::new(names)))
        })
    }

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let Context { registry, console } = *context;
        let Some(Task::Describe {
            model,
            patch_size,
            target_spacing,
            in_channels,
            out_channels,
            kernel_size,
            batch_size,
            json,
        }) = self.task
        else {
            return models::list(self.json, registry, console);
        };
        let patch_size = patch_size.try_into().map_err(|_| Error::usage("--patch-size needs three numbers"))?;
        let target_spacing = target_spacing.map_or(Ok([1.0; 3]), <[f64; 3]>::try_from);
        let target_spacing = target_spacing.map_err(|_| Error::usage("--target-spacing needs three numbers"))?;
        let options =
            models::Options { model, patch_size, target_spacing, in_channels, out_channels, kernel_size, batch_size };
        models::describe(&options, json, registry, console)
    }
}
