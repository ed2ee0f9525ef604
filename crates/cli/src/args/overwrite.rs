//! `--overwrite`, the same for every command that has it.

use super::values;
use clap::ArgAction;

// No doc comment: clap would show it as the description of every command that flattens this.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Overwrite {
    /// Allow replacing the results of an earlier run
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, action = ArgAction::Set)]
    #[arg(default_value = "false", default_missing_value = "true", value_parser = values::boolean)]
    pub(crate) overwrite: bool,
}
