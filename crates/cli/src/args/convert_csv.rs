//! `mist convert-csv`.

use super::conversion::Conversion;
use super::values;
use crate::commands::{Action, Context};
use mist::convert::csv;
use mist::{CaseFailure, Result};
use std::path::PathBuf;

/// Turn scans that are listed in a table into a folder that `analyze` reads
#[derive(clap::Args)]
pub(crate) struct ConvertCsv {
    /// Table of the training cases: the columns id and mask, then one per channel with the files of its images; relative
    /// paths are looked for beside the table, then in the working directory
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    train_csv: PathBuf,
    /// Table of the test cases: the column id, then the same channels
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    test_csv: Option<PathBuf>,
    #[command(flatten)]
    conversion: Conversion,
}

impl Action for ConvertCsv {
    const NAME: &'static str = "convert-csv";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let Self { train_csv, test_csv, conversion } = self;
        let options = csv::Options { train_csv, test_csv, target: conversion.target() };
        csv::run(&options, context.registry, context.console)
    }
}
