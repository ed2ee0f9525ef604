//! `--max-memory`, which all commands that take much memory share.

use super::values;

#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Memory {
    /// Memory that the program may take in all, such as 800M, 12G or 12GiB; what needs more is refused, and training keeps
    /// cases loaded in what the network leaves [default: what is free, within the limit of the job or container]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    pub(crate) max_memory: Option<u64>,
}
