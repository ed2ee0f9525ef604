//! The networks of a prediction: all weight files `fold_*` of a folder, one after another.

use super::admission::{BYTES_PER_VALUE, MOST_PREPARED};
use super::settings;
use super::stitch::Forward;
use crate::checksum;
use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Result};
use crate::memory::Allowance;
use crate::model_record::{self, ModelRecord, ScanRange};
use crate::network::{self, Network};
use mist_nn::models::Description;
use mist_nn::weights::Format;
use mist_nn::{KernelCache, Registry};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Networks whose results are averaged.
pub trait Members {
    /// Their number.
    fn count(&self) -> usize;
    /// Hands each of them to `visit`, in order. Only one needs to be in memory at a time.
    fn visit(&self, visit: &mut dyn FnMut(&mut Forward) -> Result<()>) -> Result<()>;
}

/// A file with weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WeightsFile {
    /// Where it lies.
    pub file: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
}

/// Networks of the configured architecture.
pub struct Networks<'a> {
    config: &'a Config,
    registry: &'a Registry,
    files: Vec<WeightsFile>,
    /// All networks, where they fit into the memory together; otherwise each is read when its turn comes.
    loaded: Option<Vec<Network>>,
    /// Range over the scans that the networks were trained on, where all records tell.
    scans: Option<ScanRange>,
}

impl<'a> Networks<'a> {
    /// All weight files `fold_*` of a folder, in the order of their names, and what they leave of the memory. A record beside
    /// the weights must agree with the weights and the configuration; weights without one are remarked on.
    pub fn load(
        folder: &Path,
        config: &'a Config,
        registry: &'a Registry,
        memory: Allowance,
        console: &dyn Console,
    ) -> Result<(Self, Allowance)> {
        let (mut files, mut unrecorded, mut scans) = (Vec::new(), Vec::new(), Vec::new());
        for file in weights_files(folder)? {
            let sha256 = checksum::sha256(&file)?;
            match model_record::read(&file)? {
                Some(record) => {
                    record.check(&file, &sha256, config)?;
                    scans.push(record);
                }
                None => unrecorded.push(file.file_name().unwrap_or_default().to_string_lossy().into_owned()),
            }
            files.push(WeightsFile { file, sha256 });
        }
        if !unrecorded.is_empty() {
            console.warn(&format!(
                "{} has no record beside it, so that nothing tells whether it belongs to this configuration; training is not \
                 complete, or another program has written it",
                unrecorded.join(", ")
            ));
        }
        let model = network::build(config, registry)?;
        let weights = BYTES_PER_VALUE * model.layout().count() as f64;
        let each = weights + (MOST_PREPARED * weights).min(KernelCache::MOST_BYTES as f64);
        // One network works at a time, on one batch of windows.
        let windows = settings::windows(config);
        let [x, y, z] = windows.patch_size;
        let batch = [windows.batch, x, y, z, config.model.params.in_channels];
        let maps = Description::new(model.as_ref(), batch).prediction_bytes as f64;
        let all = files.len() as f64 * each + maps;
        let held = if memory.shortage(all).is_none() { all } else { each + maps };
        if let Some(why) = memory.shortage(held) {
            return Err(Error::new(format!("a network needs more memory than {}", memory.bound()))
                .at(folder)
                .because(why)
                .hint(format!("give a smaller --sw-batch-size, or {}", memory.or_more())));
        }
        let mut networks = Self { config, registry, files, loaded: None, scans: common_range(&scans) };
        // Also where only one fits: a file that does not suit is found before the first case.
        let mut read = networks.files.iter().map(|file| Network::load(&file.file, config, registry));
        networks.loaded = match held == all {
            true => Some(read.collect::<Result<_>>()?),
            false => read.try_for_each(|network| network.map(drop)).map(|()| None)?,
        };
        Ok((networks, memory.without(held)))
    }

    /// The files that they were read from.
    pub fn files(&self) -> &[WeightsFile] {
        &self.files
    }

    /// Range over the scans that they were trained on, where it is known.
    pub fn scans(&self) -> Option<ScanRange> {
        self.scans
    }
}

impl Members for Network {
    fn count(&self) -> usize {
        1
    }

    fn visit(&self, visit: &mut dyn FnMut(&mut Forward) -> Result<()>) -> Result<()> {
        visit(&mut |patches| self.logits(patches))
    }
}

impl Members for Networks<'_> {
    fn count(&self) -> usize {
        self.files.len()
    }

    fn visit(&self, visit: &mut dyn FnMut(&mut Forward) -> Result<()>) -> Result<()> {
        match &self.loaded {
            Some(networks) => networks.iter().try_for_each(|network| network.visit(visit)),
            None => self
                .files
                .iter()
                .try_for_each(|file| Network::load(&file.file, self.config, self.registry)?.visit(visit)),
        }
    }
}

fn weights_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Error::new("Models directory not found").at(folder).because(error))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.starts_with("fold_") && Format::of(path).is_some()
    });
    files.sort();
    if let Some(pair) = files.windows(2).find(|pair| pair[0].file_stem() == pair[1].file_stem()) {
        return Err(Error::new("the same fold has two files with weights")
            .at(&pair[0])
            .because(format!("{} is there too", pair[1].display()))
            .hint("remove one of them"));
    }
    match files.is_empty() {
        false => Ok(files),
        true => Err(Error::new("No model checkpoints found")
            .at(folder)
            .because("there is no fold_*.pt or fold_*.safetensors")
            .hint("name the folder `models` of a results folder")),
    }
}

/// The range over the scans of all records; nothing if one does not tell.
fn common_range(records: &[ModelRecord]) -> Option<ScanRange> {
    let ranges: Vec<ScanRange> = records.iter().map(|record| record.scans).collect::<Option<_>>()?;
    ranges.into_iter().reduce(ScanRange::and)
}
