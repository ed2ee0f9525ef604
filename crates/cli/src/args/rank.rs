//! `mist rank`.

use super::values;
use crate::commands::{Action, Context};
use mist::{CaseFailure, Result, rank};
use std::path::PathBuf;

/// Rank several methods by their tables of scores, with tests of significance
#[derive(clap::Args)]
pub(crate) struct Rank {
    /// Tables of scores of the same cases, as evaluate writes them, one per method; two or more
    #[arg(long, value_name = "FILE", num_args = 1.., required = true, value_parser = values::path())]
    results: Vec<PathBuf>,
    /// What to call the methods, in the order of --results [default: after the files, or after their folders]
    #[arg(long, value_name = "NAME", num_args = 1..)]
    names: Option<Vec<String>>,
    /// File for the ranking, a CSV table, best first
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    output_csv: PathBuf,
    /// File for the mean rank by column
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    output_detailed_csv: Option<PathBuf>,
    /// File for the p-values of "the row is better than the column" (Wilcoxon signed-rank test of the ranks)
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    significance_csv: Option<PathBuf>,
    /// JSON file that says for columns whether "higher" or "lower" is better; needed for those that end in no known metric
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    metric_direction_overrides: Option<PathBuf>,
    /// The column that names the cases
    #[arg(long, value_name = "NAME", default_value = "id")]
    id_column: String,
    /// Correct the p-values for their number, by Holm's method
    #[arg(long)]
    holm: bool,
}

impl Action for Rank {
    const NAME: &'static str = "rank";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        let options = rank::Options {
            results: self.results,
            names: self.names,
            output_csv: self.output_csv,
            detailed_csv: self.output_detailed_csv,
            significance_csv: self.significance_csv,
            direction_overrides: self.metric_direction_overrides,
            id_column: self.id_column,
            holm: self.holm,
        };
        rank::run(&options, context.console).map(|()| Vec::new())
    }
}
