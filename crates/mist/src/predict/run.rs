//! `predict`: label maps for new scans.

use super::admission::{Work, admit_networks};
use super::inputs::{self, Case, Input};
use super::restore::{Original, label_map, probability_maps};
use super::unpredicted::{Unpredicted, written};
use super::{ChannelsLast, ensemble, flips, settings};
use crate::config::{Choices, Config};
use crate::console::Console;
use crate::device;
use crate::error::{CaseFailure, Error, Result};
use crate::files::{create_folder, is_same_file, remove_file, require_file, require_folder};
use crate::memory::Allowance;
use crate::network::{self, Network};
use crate::outputs::Outputs;
use crate::preprocess::{self, preprocess_case};
use crate::text::plural;
use mist_nn::Registry;
use mist_volume::nifti;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Folder with `fold_*.pt`.
    pub models_dir: PathBuf,
    /// `config.json` of the training run.
    pub config: PathBuf,
    /// Which scans.
    pub input: Input,
    /// Folder for the results, created.
    pub output: PathBuf,
    /// `cpu`, `cuda` or the number of a GPU.
    pub device: String,
    /// Also write class probabilities.
    pub output_probabilities: bool,
    /// Bytes of memory that the command may take; by default what is free.
    pub max_memory: Option<u64>,
}

/// Writes `<output>/<id>.nii.gz` for every case, the mean of all fold models' probabilities. With
/// `output_probabilities` the label maps go to `discrete/` and the probabilities to `probabilities/`. Returns the
/// cases that failed; the others go on.
pub fn run(options: &Options, registry: &Registry, console: &dyn Console) -> Result<Vec<CaseFailure>> {
    device::resolve(&options.device, console)?;
    require_folder(&options.models_dir, "Models directory not found", "name the folder `models` of a results folder")?;
    require_file(&options.config, "Config file not found", "name the config.json of the run that trained the models")?;
    options.input.check_exists()?;
    let config = Config::load(&options.config, &Choices::of(registry))?;
    config.warn_of_unknown_keys(console);
    let (cases, mut failures) = inputs::cases(&options.input, &config.dataset_info.images)?;
    let listed = cases.len() + failures.len();
    let memory = Allowance::new(options.max_memory, console);
    let (networks, memory) = load_networks(&options.models_dir, &config, registry, memory)?;
    let targets = Targets::create(&options.output, options.output_probabilities)?;
    targets.spare_scans(&cases)?;
    for failure in &failures {
        console.error(&failure.to_string());
    }
    let predictor = Predictor::new(&config, networks, memory)?;
    failures.extend(predictor.run(&cases, &targets, console).map_err(|error| {
        error.if_interrupted(
            "start the same command again: predictions in the folder are complete, and all are made anew",
        )
    })?);
    match failures.len() {
        0 => console.success("Inference completed successfully."),
        count if count == listed => {
            return Err(Error::new("no case could be segmented")
                .place(plural(count, "case"))
                .because("what is wrong with each is said above")
                .hint("the scans must be like those that the models were trained on: same channels, readable, 3-D"));
        }
        count => console.warn(&format!("{count} of {listed} cases failed")),
    }
    Ok(failures)
}

/// All `fold_*.pt` of a folder, in the order of their names, and what they leave of the memory.
pub fn load_networks(
    folder: &Path,
    config: &Config,
    registry: &Registry,
    memory: Allowance,
) -> Result<(Vec<Network>, Allowance)> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Error::new("Models directory not found").at(folder).because(error))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.starts_with("fold_") && name.ends_with(".pt")
    });
    files.sort();
    if files.is_empty() {
        return Err(Error::new("No model checkpoints found")
            .at(folder)
            .because("there is no fold_*.pt")
            .hint("name the folder `models` of a results folder"));
    }
    let parameters = network::build(config, registry)?.parameters().iter().map(|spec| spec.count()).sum();
    let left = admit_networks(files.len(), parameters, memory)?;
    let load = |path: &PathBuf| {
        let model = network::build(config, registry)?;
        let parameters = network::read_weights(path, model.parameters())?;
        Ok(Network::new(model, &parameters))
    };
    Ok((files.iter().map(load).collect::<Result<_>>()?, left))
}

/// Where the files of a case go.
pub struct Targets {
    labels: PathBuf,
    probabilities: Option<PathBuf>,
}

impl Targets {
    /// Refuses to write a result over a scan.
    fn spare_scans(&self, cases: &[Case]) -> Result<()> {
        let scans = || cases.iter().flat_map(|case| &case.images);
        let results = cases.iter().map(|case| self.labels.join(format!("{}.nii.gz", case.id)));
        match results.into_iter().find(|result| result.exists() && scans().any(|scan| is_same_file(scan, result))) {
            None => Ok(()),
            Some(result) => Err(Error::usage("the prediction would replace the scan")
                .at(&result)
                .hint("give another folder with --output")),
        }
    }

    /// Creates the folders.
    pub fn create(output: &Path, probabilities: bool) -> Result<Self> {
        let targets = match probabilities {
            false => Self { labels: output.to_owned(), probabilities: None },
            true => Self { labels: output.join("discrete"), probabilities: Some(output.join("probabilities")) },
        };
        create_folder(&targets.labels)?;
        targets.probabilities.as_deref().map_or(Ok(()), create_folder)?;
        Ok(targets)
    }

    /// Removes what an earlier run wrote for a case that fails now.
    fn remove(&self, id: &str) -> Result<()> {
        let folders = std::iter::once(&self.labels).chain(&self.probabilities);
        folders.map(|folder| folder.join(format!("{id}.nii.gz"))).try_for_each(|file| remove_file(&file))
    }
}

/// Networks with everything that is needed to apply them to scans.
pub struct Predictor<'a> {
    config: &'a Config,
    preprocessing: preprocess::Settings,
    networks: Vec<Network>,
}

impl<'a> Predictor<'a> {
    /// `memory` is what scans may take. Fails if the configuration cannot preprocess.
    pub fn new(config: &'a Config, networks: Vec<Network>, memory: Allowance) -> Result<Self> {
        Ok(Self { config, preprocessing: preprocess::Settings::of(config, memory)?, networks })
    }

    /// Predicts the cases one after the other; returns those that failed.
    pub fn run(&self, cases: &[Case], targets: &Targets, console: &dyn Console) -> Result<Vec<CaseFailure>> {
        let bar = console.bar("Running inference", cases.len() as u64);
        let mut failures = Vec::new();
        for case in cases {
            if let Err(unpredicted) = self.predict(case, targets) {
                let failure = unpredicted.failure_of(&case.id, console)?;
                targets.remove(&case.id)?;
                failures.push(failure);
            }
            bar.advance(1);
        }
        Ok(failures)
    }

    fn predict(&self, case: &Case, targets: &Targets) -> Result<(), Unpredicted> {
        let prepared = preprocess_case(&self.preprocessing, &case.images, None, None)
            .map_err(|problem| Error::new(problem.to_string()))?;
        let image = ChannelsLast::new(prepared.size, prepared.channels, prepared.image)?;
        let flips = flips::strategy(settings::flips(self.config))?;
        let work = Work {
            size: image.size(),
            channels: image.channels(),
            classes: self.config.model.params.out_channels,
            networks: self.networks.len(),
            flips: flips.len(),
        };
        work.check(self.preprocessing.memory)?;
        let windows = settings::windows(self.config);
        let outputs = Outputs::of(self.config);
        let mut mean = ensemble::Mean::new();
        for network in &self.networks {
            let mut forward = |patches| network.logits(patches);
            let result = ensemble::probabilities(&image, &windows, &outputs, flips, &mut forward)?;
            mean.add(result, flips::Flip::IDENTITY)?;
        }
        drop(image);
        let probabilities = mean.finish()?;
        let classes = outputs.decide(&probabilities, prepared.spacing)?;
        let original = Original {
            geometry: &prepared.original_geometry,
            bounding_box: prepared.bounding_box.as_ref(),
            untouched: self.preprocessing.skip,
        };
        let name = format!("{}.nii.gz", case.id);
        let labels = label_map(&classes, &original, &self.config.dataset_info.labels)?;
        let target = targets.labels.join(&name);
        written(nifti::write(&target, &labels))?;
        if let Some(folder) = &targets.probabilities {
            let maps = probability_maps(&probabilities, prepared.spacing, &original)?;
            let target = folder.join(&name);
            written(nifti::write_vector(&target, &maps))?;
        }
        Ok(())
    }
}
