//! What the demo does, as options of the ordinary stages.

use super::command_line::CommandLine;
use super::{Options, scans, synthetic};
use crate::config::Overrides;
use crate::convert::{Link, Target, msd};
use crate::error::Result;
use crate::{analyze, evaluate, finalize, predict, preprocess, train};
use std::path::PathBuf;

/// Two folds: enough to see every case segmented by a model that has not seen it, in the shortest time.
const FOLDS: usize = 2;

/// Few steps without a warm-up, at three times the usual learning rate: what five minutes on two cores allow. Measured
/// over 200 steps, the usual rate comes to a validation loss of 0.24 on the hippocampus, this one to 0.20.
const EPOCHS: usize = 4;
const STEPS_PER_EPOCH: usize = 45;
const LEARNING_RATE: f64 = 0.003;

/// Voxels along x, y, z, for scans of 1 mm and for those with thick slices.
const HIPPOCAMPUS_PATCH: [usize; 3] = [32, 32, 32];
const SYNTHETIC_PATCH: [usize; 3] = [32, 32, 16];

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
    /// One fold after the other, so that each command does one thing; all folds at once would end with `finalize`.
    pub(super) train: Vec<train::Options>,
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
        let truth = scans.join(if options.synthetic { "truth" } else { "labelsTs" });
        let device = "cpu".to_owned();
        Self {
            write_scans: if options.synthetic { synthetic::write } else { scans::write },
            convert: (!options.synthetic).then(|| msd::Options {
                source: scans.clone(),
                target: Target { output: data.clone(), workers, link: Link::Copy, overwrite },
            }),
            analyze: analyze::Options {
                data: data.join("dataset.json"),
                results: results.clone(),
                nfolds: Some(FOLDS),
                gpu_memory: analyze::GpuMemory::Assumed,
                batch_size_per_gpu: None,
                workers,
                verify: true,
                data_dump: false,
                overwrite,
            },
            steps_per_epoch: STEPS_PER_EPOCH,
            preprocess: preprocess::Options {
                results: results.clone(),
                numpy: numpy.clone(),
                workers,
                no_preprocess: None,
                compute_dtms: None,
                max_memory: None,
                resume: false,
                overwrite,
            },
            train: (0..FOLDS)
                .map(|fold| train::Options {
                    results: results.clone(),
                    numpy: numpy.clone(),
                    // The first command stores its settings in config.json, where the others find them.
                    overrides: if fold == 0 { settings(options.synthetic) } else { Overrides::default() },
                    pretrained: None,
                    folds: Some(vec![fold]),
                    resume: false,
                    verify_determinism: false,
                    dry_run: false,
                    evaluate_workers: 1,
                    max_memory: None,
                    overwrite,
                })
                .collect(),
            finalize: finalize::Options { results: results.clone(), workers, device: device.clone(), max_memory: None },
            predict: predict::Options {
                models_dir: results.join("models"),
                config: results.join("config.json"),
                input: predict::Input::Csv(results.join("test_paths.csv")),
                output: predictions.clone(),
                device,
                probabilities: None,
                postprocess_strategy: None,
                window_batch: None,
                resume: false,
                shard: None,
                max_memory: None,
            },
            evaluate: evaluate::Options {
                config: results.join("config.json"),
                input: evaluate::Input::Folders { masks: truth, predictions },
                output_csv: folder("test_results.csv"),
                workers,
                validate: true,
                missing: evaluate::Missing::LeaveOut,
                max_memory: None,
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
        commands.extend(self.train.iter().map(CommandLine::from));
        commands.push((&self.finalize).into());
        commands.push((&self.predict).into());
        commands.push((&self.evaluate).into());
        commands
    }
}

fn settings(synthetic: bool) -> Overrides {
    Overrides {
        model: Some("nnunet-pocket".to_owned()),
        patch_size: Some(if synthetic { SYNTHETIC_PATCH } else { HIPPOCAMPUS_PATCH }),
        epochs: Some(EPOCHS),
        warmup_epochs: Some(0),
        learning_rate: Some(LEARNING_RATE),
        ..Overrides::default()
    }
}
