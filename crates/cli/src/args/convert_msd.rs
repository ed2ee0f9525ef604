//! `mist convert-msd`.

use super::conversion::Conversion;
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
    #[command(flatten)]
    conversion: Conversion,
}

impl Action for ConvertMsd {
    const NAME: &'static str = "convert-msd";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let options = msd::Options { source: self.source, target: self.conversion.target() };
        msd::run(&options, context.registry, context.console)
    }
}
