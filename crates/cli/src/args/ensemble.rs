//! `mist ensemble`.

use super::values;
use crate::commands::{Action, Context};
use mist::{CaseFailure, Error, Result, ensemble};
use std::path::PathBuf;

/// Join the segmentations of several methods into one
#[derive(clap::Args)]
pub(crate) struct Ensemble {
    /// Folders with the results of the methods, <id>.nii.gz, two or more with the same cases
    #[arg(long, value_name = "FOLDER", num_args = 1.., required = true, value_parser = values::path())]
    predictions: Vec<PathBuf>,
    /// Folder for the joined segmentations; created if missing
    #[arg(long, value_name = "FOLDER", value_parser = values::path())]
    output: PathBuf,
    /// What the files hold: labels, or probabilities as `mist predict --output-probs` writes them
    #[arg(long, value_name = "TYPE", default_value = "labels", value_parser = ["labels", "probabilities"])]
    input_type: String,
    /// The config.json of one of the methods; needed for probabilities
    #[arg(long, value_name = "FILE", value_parser = values::path())]
    config: Option<PathBuf>,
    /// How labels are joined: staple weighs each method by how reliable it is, which it estimates; majority_vote takes what most
    /// say, and background where they are equally divided
    #[arg(long, value_name = "NAME", default_value = "staple", value_parser = ["staple", "majority_vote"])]
    ensemble_backend: String,
    /// How probabilities are joined
    #[arg(long, value_name = "NAME", default_value = "mean", value_parser = ["mean"])]
    probability_ensemble_backend: String,
    /// Number of cases in work at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = values::positive)]
    num_workers_ensemble: usize,
}

impl Ensemble {
    fn options(self) -> Result<ensemble::Options> {
        let method = match (self.input_type.as_str(), self.config, self.ensemble_backend.as_str()) {
            ("probabilities", Some(config), _) => ensemble::Method::Mean { config },
            ("probabilities", None, _) => {
                return Err(Error::usage("--input-type probabilities needs --config")
                    .hint("name the config.json of one of the methods, which tells the labels of the classes"));
            }
            (_, _, "majority_vote") => ensemble::Method::MajorityVote,
            _ => ensemble::Method::Staple,
        };
        let Self { predictions, output, num_workers_ensemble: workers, .. } = self;
        Ok(ensemble::Options { predictions, output, method, workers })
    }
}

impl Action for Ensemble {
    const NAME: &'static str = "ensemble";

    fn perform(self, context: &Context) -> Result<Vec<CaseFailure>> {
        ensemble::run(&self.options()?, context.console)
    }
}
