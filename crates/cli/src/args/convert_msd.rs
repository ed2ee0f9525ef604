//! `mist convert-msd`.

use super::overwrite::Overwrite;
use super::values;
use crate::commands::{Action, Context};
use mist::convert::msd;
use mist::{CaseFailure, Result};
use std::path::PathBuf;

/// Turn a data set of the Medical Segmentation Decathlon into a folder that `analyze` reads
#[derive(clap::Args)]
pub(crate) struct ConvertMsd {
    /// Folder of the data set: dataset.json, imagesTr, labelsTr and perhaps imagesTs
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    source: PathBuf,
    /// Folder for the converted data set; created if missing
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    output: PathBuf,
    /// Number of cases converted at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_conversion: usize,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl ConvertMsd {
    fn options(self) -> msd::Options {
        msd::Options {
            source: self.source,
            output: self.output,
            workers: self.num_workers_conversion,
            overwrite: self.overwrite.overwrite,
        }
    }
}

impl Action for ConvertMsd {
    const NAME: &'static str = "convert-msd";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        msd::run(&self.options(), context.registry, context.console)
    }
}
