//! `predict_report.json`: what was predicted, from what, how long it took, and what was odd. Also what `--resume` goes by.

use super::inputs::Case;
use super::networks::WeightsFile;
use super::targets::{ProbabilityMaps, Targets};
use crate::checksum;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::json;
use crate::postprocess::Strategy;
use mist_volume::Geometry;
use mist_volume::Volume;
use mist_volume::orientation::axis_codes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the file is written while the work goes on.
const INTERVAL: Duration = Duration::from_secs(10);

/// What happened to a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// Case id.
    pub id: String,
    /// Why it has no segmentation, if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// SHA-256 over the scans, the weights and the settings.
    pub fingerprint: Option<String>,
    /// The scans, in channel order.
    pub images: Vec<PathBuf>,
    /// What was found.
    #[serde(flatten)]
    pub outcome: Option<Outcome>,
    /// What is odd.
    pub warnings: Vec<String>,
}

/// What a finished case is like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The segmentation.
    pub segmentation: PathBuf,
    /// Voxels of the scan along its own axes.
    pub size: [usize; 3],
    /// Their spacing in mm.
    pub spacing_mm: [f64; 3],
    /// Where the axes of the scan point to, such as `RAS`; the network works in `LPS`, and the segmentation is turned back.
    pub orientation: String,
    /// Voxels along x, y, z that the network saw.
    pub network_size: [usize; 3],
    /// Windows that every network saw, for each flip.
    pub windows: usize,
    /// Seconds of each part of the work.
    pub seconds: Seconds,
    /// Voxels and volume of every label but the background.
    pub labels: BTreeMap<String, LabelSize>,
}

/// Seconds of each part of the work on a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Reading, cropping, turning, resampling, normalizing.
    pub preparing: f64,
    /// The networks.
    pub predicting: f64,
    /// Back to the grid of the scan, and writing.
    pub writing: f64,
}

/// Size of a label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelSize {
    /// Number of voxels.
    pub voxels: u64,
    /// Volume in millilitres.
    pub ml: f64,
}

impl Outcome {
    /// What can be said of a segmentation; `labels` are those that the network knows.
    pub fn of(segmentation: PathBuf, map: &Volume<u8>, labels: &[i64]) -> Self {
        let geometry: &Geometry = map.geometry();
        let mut counts = [0_u64; 256];
        for label in map.voxels() {
            counts[usize::from(*label)] += 1;
        }
        let millilitres = geometry.spacing.iter().product::<f64>() / 1000.0;
        let sizes = labels.iter().filter(|label| **label != 0).filter_map(|label| {
            let voxels = *counts.get(usize::try_from(*label).ok()?)?;
            Some((label.to_string(), LabelSize { voxels, ml: voxels as f64 * millilitres }))
        });
        Self {
            segmentation,
            size: geometry.size,
            spacing_mm: geometry.spacing,
            orientation: axis_codes(&geometry.direction),
            labels: sizes.collect(),
            ..Self::default()
        }
    }
}

/// Everything but the scans that decides on the bits of a prediction.
pub fn method(
    config: &Config,
    weights: &[WeightsFile],
    maps: Option<ProbabilityMaps>,
    strategy: Option<&Strategy>,
) -> Result<Value> {
    let mut config = serde_json::to_value(config).map_err(|error| Error::new(error.to_string()))?;
    if let Some(params) = config.pointer_mut("/inference/inferer/params").and_then(Value::as_object_mut) {
        // How many windows go at once changes nothing.
        params.remove("sw_batch_size");
    }
    let sections = ["dataset_info", "spatial_config", "preprocessing", "model", "inference"];
    let mut settings = serde_json::Map::new();
    for name in sections {
        settings.insert(name.to_owned(), config[name].clone());
    }
    settings.insert(
        "training".to_owned(),
        json!({ "regions": config["training"]["regions"], "ignore_label": config["training"]["ignore_label"] }),
    );
    Ok(json!({
        "program": format!("mist {}", env!("CARGO_PKG_VERSION")),
        "networks": weights,
        "probabilities": maps,
        "postprocessing": strategy.map(Strategy::describe),
        "settings": settings,
    }))
}

/// SHA-256 over the contents of the scans of a case and what else decides on its prediction.
pub fn fingerprint(case: &Case, method: &Value) -> Result<String> {
    let weights = method["networks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let images = case.images.iter().map(|file| checksum::sha256(file)).collect::<Result<Vec<_>>>()?;
    let decisive = json!({
        "images": images,
        "program": method["program"],
        "probabilities": method["probabilities"],
        "postprocessing": method["postprocessing"],
        "settings": method["settings"],
        "networks": weights.iter().map(|network| &network["sha256"]).collect::<Vec<_>>(),
    });
    Ok(checksum::sha256_of_text(&decisive.to_string()))
}

/// Fingerprints by case, from the reports of earlier calls in a folder.
pub fn earlier(output: &Path) -> Result<BTreeMap<String, CaseReport>> {
    let Ok(entries) = std::fs::read_dir(output) else { return Ok(BTreeMap::new()) };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("predict_report") && name.ends_with(".json")
    });
    files.sort();
    let mut cases = BTreeMap::new();
    for file in files {
        let report: Value = json::read(&file)?;
        let read: Vec<CaseReport> = serde_json::from_value(report["cases"].clone()).map_err(|error| {
            Error::new("the report of an earlier call cannot be read")
                .at(&file)
                .because(error)
                .hint("predict without --resume, which makes everything anew")
        })?;
        cases.extend(read.into_iter().map(|case| (case.id.clone(), case)));
    }
    Ok(cases)
}

/// The report in the making.
pub struct Report {
    file: PathBuf,
    method: Value,
    cases: Vec<CaseReport>,
    written: Instant,
}

impl Report {
    /// Begins a report with cases of an earlier one, which stay until they are replaced.
    pub fn new(file: PathBuf, method: Value, cases: Vec<CaseReport>) -> Self {
        Self { file, method, cases, written: Instant::now() }
    }

    /// Adds or replaces a case; writes the file now and then, so that little is lost if the program is killed.
    pub fn add(&mut self, case: CaseReport) -> Result<()> {
        match self.cases.iter_mut().find(|other| other.id == case.id) {
            Some(other) => *other = case,
            None => self.cases.push(case),
        }
        if self.written.elapsed() < INTERVAL {
            return Ok(());
        }
        self.write()
    }

    /// Writes the file.
    pub fn write(&mut self) -> Result<()> {
        let mut report = self.method.clone();
        report["cases"] = serde_json::to_value(&self.cases).map_err(|error| Error::new(error.to_string()))?;
        self.written = Instant::now();
        write_atomically(&self.file, json::to_text(&report).as_bytes())
    }

    /// Cases with remarks, for the console.
    pub fn remarkable(&self) -> usize {
        self.cases.iter().filter(|case| !case.warnings.is_empty()).count()
    }
}

/// Whether the outputs of a case are there and were made from the same scans, weights and settings.
pub fn is_done(earlier: &CaseReport, fingerprint: &str, targets: &Targets) -> bool {
    earlier.fingerprint.as_deref() == Some(fingerprint) && earlier.outcome.is_some() && targets.are_there(&earlier.id)
}
