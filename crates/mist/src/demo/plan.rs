//! What the demo does, as options of the ordinary stages.

use super::command_line::CommandLine;
use super::{Options, scans, synthetic};
use crate::config::Overrides;
use crate::convert::msd;
use crate::error::Result;
use crate::{analyze, evaluate, finalize, predict, preprocess, train};
use std::path::PathBuf;

/// Two folds: enough to see every case segmented by a model that has not seen it, in the shortest time.
const FOLDS: usize = 2;

/// How long and on what the networks are trained.
struct Recipe {
    patch_size: [usize; 3],
    epochs: usize,
    steps_per_epoch: usize,
}

const HIPPOCAMPUS: Recipe = Recipe { patch_size: [32, 32, 32], epochs: 6, steps_per_epoch: 50 };
const SYNTHETIC: Recipe = Recipe { patch_size: [32, 32, 16], epochs: 6, steps_per_epoch: 50 };

/// The stages in their order.
pub(super) struct Plan {
    /// Where the scans are written first.
    pub(super) scans: PathBuf,
    write_scans: fn(&std::path::Path) -> Result<()>,
    /// Only the real scans come in another layout.
    pub(super) convert: Option<msd::Options>,
    pub(super) analyze: analyze::Options,
    /// Set in `config.json`, which has no flag for it.
    pub(super) steps_per_epoch: usize,
    pub(super) preprocess: preprocess::Options,
    pub(super) train: train::Options,
    pub(super) finalize: finalize::Options,
    pub(super) predict: predict::Options,
    pub(super) evaluate: evaluate::Options,
}

impl Plan {
    pub(super) fn new(options: &Options) -> Self {
        let folder = |name: &str| options.output.join(name);
        let workers = std::thread::available_parallelism().map_or(1, |count| count.get().min(4));
        let overwrite = options.overwrite;
        let (results, numpy, predictions) = (folder("results"), folder("numpy"), folder("predictions"));
        let (scans, data) = if options.synthetic {
            (folder("synthetic"), folder("synthetic"))
        } else {
            (folder("Task04_Hippocampus"), folder("hippo"))
        };
        let recipe = if options.synthetic { SYNTHETIC } else { HIPPOCAMPUS };
        let truth = scans.join(if options.synthetic { "truth" } else { "labelsTs" });
        let device = "cpu".to_owned();
        Self {
            write_scans: if options.synthetic { synthetic::write } else { scans::write },
            convert: (!options.synthetic).then(|| msd::Options {
                source: scans.clone(),
                output: data.clone(),
                workers,
                overwrite,
            }),
            analyze: analyze::Options {
                data: data.join("dataset.json"),
                results: results.clone(),
                nfolds: Some(FOLDS),
                workers,
                verify: true,
                overwrite,
            },
            steps_per_epoch: recipe.steps_per_epoch,
            preprocess: preprocess::Options {
                results: results.clone(),
                numpy: numpy.clone(),
                workers,
                no_preprocess: None,
                overwrite,
            },
            train: train::Options {
                results: results.clone(),
                numpy,
                overrides: Overrides {
                    model: Some("nnunet-pocket".to_owned()),
                    patch_size: Some(recipe.patch_size),
                    epochs: Some(recipe.epochs),
                    warmup_epochs: Some(1),
                    ..Overrides::default()
                },
                folds: None,
                resume: false,
                evaluate_workers: workers,
                overwrite,
            },
            finalize: finalize::Options { results: results.clone(), workers, device: device.clone() },
            predict: predict::Options {
                models_dir: results.join("models"),
                config: results.join("config.json"),
                input: predict::Input::Csv(results.join("test_paths.csv")),
                output: predictions.clone(),
                device,
                output_probabilities: false,
            },
            evaluate: evaluate::Options {
                config: results.join("config.json"),
                input: evaluate::Input::Folders { masks: truth, predictions },
                output_csv: folder("test_results.csv"),
                workers,
                validate: true,
            },
            scans,
        }
    }

    /// Writes the scans that everything starts from.
    pub(super) fn write_scans(&self) -> Result<()> {
        (self.write_scans)(&self.scans)
    }

    /// The commands in their order.
    pub(super) fn commands(&self) -> Vec<CommandLine> {
        let mut commands: Vec<CommandLine> = self.convert.iter().map(CommandLine::from).collect();
        commands.push((&self.analyze).into());
        commands.push((&self.preprocess).into());
        commands.push((&self.train).into());
        commands.push((&self.finalize).into());
        commands.push((&self.predict).into());
        commands.push((&self.evaluate).into());
        commands
    }
}
