//! `mist analyze`.

use super::overwrite::Overwrite;
use super::values;
use crate::commands::{Action, Context};
use mist::analyze::GpuMemory;
use mist::{CaseFailure, Result, analyze};
use std::path::PathBuf;

/// Look at a data set and plan the run: folds, spacing, patch size; writes config.json
#[derive(clap::Args)]
pub(crate) struct Analyze {
    /// Description of the data set, usually called dataset.json
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    data: PathBuf,
    /// Folder for the results of the run; created if missing
    #[arg(long, value_name = "FOLDER", default_value = "./results", value_parser = values::path())]
    results: PathBuf,
    #[command(flatten)]
    plan: Plan,
    /// Number of patches in a training step, per device, that the patch size is chosen for; kept in config.json [default: 2]
    #[arg(long, value_name = "COUNT", value_parser = values::positive)]
    batch_size_per_gpu: Option<usize>,
    #[command(flatten)]
    overwrite: Overwrite,
}

// The flags that run-all shares.
#[derive(clap::Args)]
pub(crate) struct Plan {
    /// Number of folds for cross-validation, from 2 to the number of cases [default: 5]
    #[arg(long, value_name = "COUNT", value_parser = values::fold_count)]
    nfolds: Option<usize>,
    /// Memory of the GPU that the patch size is chosen for, such as 8G or 24GiB [default: that of the smallest visible
    /// GPU, 16GiB where there is none]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    memory_budget: Option<u64>,
    /// Number of cases analyzed at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_analyze: usize,
    /// Read every voxel to check the cases, and leave out those that fail
    #[arg(long)]
    verify: bool,
    /// Also write statistics of the data set, for people (data_dump.md) and programs (data_dump.json)
    #[arg(long)]
    data_dump: bool,
}

impl Plan {
    /// What `mist analyze` was asked to do.
    pub(crate) fn options(
        self,
        data: PathBuf,
        results: PathBuf,
        batch_size_per_gpu: Option<usize>,
        overwrite: Overwrite,
    ) -> analyze::Options {
        analyze::Options {
            data,
            results,
            nfolds: self.nfolds,
            gpu_memory: GpuMemory::new(self.memory_budget),
            batch_size_per_gpu,
            workers: self.num_workers_analyze,
            verify: self.verify,
            data_dump: self.data_dump,
            overwrite: overwrite.overwrite,
        }
    }
}

impl Action for Analyze {
    const NAME: &'static str = "analyze";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let options = self.plan.options(self.data, self.results, self.batch_size_per_gpu, self.overwrite);
        analyze::run(&options, context.registry, context.console)
    }
}
