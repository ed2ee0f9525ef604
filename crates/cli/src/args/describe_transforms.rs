//! `mist describe-transforms`.

use crate::commands::{Action, Context};
use mist::{CaseFailure, Result, postprocess};

/// List the transforms that rules for postprocessing can use, with their parameters
#[derive(clap::Args)]
pub(crate) struct DescribeTransforms {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Action for DescribeTransforms {
    const NAME: &'static str = "describe-transforms";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        postprocess::describe::run(self.json, context.console);
        Ok(Vec::new())
    }
}
