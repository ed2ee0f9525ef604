//! `config.json`: everything that is decided about a run, as types whose field names are the keys of the file.
//!
//! The whole file is checked when it is loaded, so that a slip surfaces in the first second and not in the tenth hour.
//! Keys that are not known here, the order of keys and the spelling of untouched values survive a rewrite.

pub mod check;
mod dataset_info;
pub mod diff;
mod evaluation;
mod hardware;
mod inference;
mod lock;
mod loss;
mod model;
mod overrides;
mod preprocessing;
mod regions;
mod rewrite;
mod training;

pub use dataset_info::{DatasetInfo, Modality, RESERVED_COLUMNS};
pub(crate) use dataset_info::{LARGEST_LABEL, MOST_LABELS, channel_name_misfit, check_channel_name, parse_labels};
pub use evaluation::{Evaluation, EvaluationClass, EvaluationFile, METRICS, MetricRequest};
pub(crate) use hardware::LARGEST_PORT;
pub use hardware::{COMMUNICATION_BACKENDS, DATA_LOADERS, Hardware};
pub use inference::{
    BlendMode, ENSEMBLE_STRATEGIES, Ensemble, INFERERS, Inference, Inferer, InfererParams, Tta, TtaStrategy,
};
pub use loss::Loss;
pub use mist_nn::losses::LossWeighting;
pub use model::{Model, ModelParams};
pub use overrides::{Change, Overrides};
pub use preprocessing::{CtNormalization, CtWindow, Preprocessing, SpatialConfig};
pub(crate) use regions::FORBIDDEN as FORBIDDEN_IN_REGIONS;
pub use training::{Augmentation, LR_SCHEDULERS, OPTIMIZERS, Training, Transforms};
pub(crate) use training::{LARGEST_WEIGHT, MOST_FOLDS};

use crate::console::Console;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::json::{self, Document};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// The release of the reference whose file format is written; stored as `mist_version`.
pub const FORMAT_VERSION: &str = "2.3.0";

/// Names that a config may use and that only the registry of models and losses knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// Values of `model.architecture`; any where there is no list.
    pub architectures: Option<Vec<String>>,
    /// Values of `training.loss.name`; any where there is no list.
    pub losses: Option<Vec<String>>,
}

impl Choices {
    /// Everything that a registry offers.
    pub fn of(registry: &mist_nn::Registry) -> Self {
        let owned = |names: Vec<&str>| Some(names.into_iter().map(str::to_owned).collect());
        Self { architectures: owned(registry.model_names()), losses: owned(registry.loss_names()) }
    }

    /// The architectures of a registry and any loss, for work with networks that are trained.
    pub fn of_networks(registry: &mist_nn::Registry) -> Self {
        Self { losses: None, ..Self::of(registry) }
    }

    /// All names, for work that needs no network and no loss: the run may be that of another program.
    pub fn any() -> Self {
        Self { architectures: None, losses: None }
    }
}

/// A checked `config.json`. Field names equal the keys of the file.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// Release that wrote the file; informational.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mist_version: Option<String>,
    /// What the data is.
    pub dataset_info: DatasetInfo,
    /// Patch size and spacing.
    pub spatial_config: SpatialConfig,
    /// How images become arrays.
    pub preprocessing: Preprocessing,
    /// The network.
    pub model: Model,
    /// How the network is trained.
    pub training: Training,
    /// How a trained network is applied.
    pub inference: Inference,
    /// What is measured, per class.
    pub evaluation: Evaluation,
    #[serde(skip)]
    source: Option<Source>,
}

/// The file as it was read, beside what was understood of it: what differs between then and now is what is written.
#[derive(Clone, Debug)]
struct Source {
    raw: Value,
    understood: Value,
    remarks: Vec<String>,
}

impl Config {
    /// The config of a new run: defaults for model, training and inference.
    pub fn new(
        dataset_info: DatasetInfo,
        spatial_config: SpatialConfig,
        preprocessing: Preprocessing,
        evaluation: Evaluation,
    ) -> Self {
        Self {
            mist_version: Some(FORMAT_VERSION.into()),
            model: Model::for_dataset(&dataset_info),
            dataset_info,
            spatial_config,
            preprocessing,
            training: Training::default(),
            inference: Inference::default(),
            evaluation,
            source: None,
        }
    }

    /// One that has no mistakes, for this data set and for no images in particular.
    pub(crate) fn placeholder(dataset_info: DatasetInfo) -> Self {
        let preprocessing = Preprocessing {
            skip: false,
            crop_to_foreground: false,
            median_resampled_image_size: [1; 3],
            normalize_with_nonzero_mask: false,
            ct_normalization: CtNormalization::from(CtWindow {
                window_min: 0.0,
                window_max: 1.0,
                z_score_mean: 0.0,
                z_score_std: 1.0,
            }),
            compute_dtms: false,
            normalize_dtms: true,
        };
        let spatial = SpatialConfig { patch_size: [1; 3], target_spacing: [1.0; 3] };
        Self::new(dataset_info, spatial, preprocessing, Evaluation::default())
    }

    /// Reads and checks the whole file. Errors name file, line, key, value and what is allowed.
    pub fn load(path: &Path, choices: &Choices) -> Result<Self> {
        let (raw, places) = json::read_with_places(path)?;
        Self::from_document(Document::new(path).with_places(&places), raw, choices)
    }

    fn from_value(path: &Path, raw: Value, choices: &Choices) -> Result<Self> {
        Self::from_document(Document::new(path), raw, choices)
    }

    fn from_document(document: Document, raw: Value, choices: &Choices) -> Result<Self> {
        let mut config = Self::parse(&document, &raw, choices)?;
        let understood = config.to_value()?;
        config.source = Some(Source { raw, understood, remarks: document.into_remarks() });
        Ok(config)
    }

    pub(crate) fn parse(document: &Document, raw: &Value, choices: &Choices) -> Result<Self> {
        let root = document.root(raw)?;
        if root.fields().any(|(name, _)| name == "train-data") {
            return Err(Error::new("this is the description of a data set, not the configuration of a run")
                .at(document.file())
                .hint("give the config.json; `mist config check --dataset FILE` checks a description"));
        }
        let mist_version = root.optional("mist_version").and_then(|field| field.or_null());
        let dataset_info = DatasetInfo::parse(&root.required("dataset_info")?.section()?)?;
        let training =
            Training::parse(&root.required("training")?.section()?, choices.losses.as_deref(), &dataset_info.labels)?;
        let ignore_label = training.ignore_label;
        let config = Self {
            mist_version: mist_version.map(|field| field.string().map(str::to_owned)).transpose()?,
            spatial_config: SpatialConfig::parse(&root.required("spatial_config")?.section()?)?,
            preprocessing: Preprocessing::parse(
                &root.required("preprocessing")?.section()?,
                dataset_info.modality == Modality::Ct,
            )?,
            model: Model::parse(
                &root.required("model")?.section()?,
                choices.architectures.as_deref(),
                &dataset_info,
                training.outputs(dataset_info.labels.len()),
            )?,
            training,
            inference: Inference::parse(&root.required("inference")?.section()?)?,
            evaluation: Evaluation::parse(
                &root.required("evaluation")?.section()?,
                &dataset_info.labels,
                ignore_label,
            )?,
            dataset_info,
            source: None,
        };
        root.note_unknown();
        Ok(config)
    }

    /// Remarks on unknown keys that look like misspelled ones.
    pub fn remarks(&self) -> &[String] {
        self.source.as_ref().map_or(&[], |source| &source.remarks)
    }

    /// Warns of what [`Config::remarks`] holds. Every command that reads the file does; the terminal shows each once.
    pub fn warn_of_unknown_keys(&self, console: &dyn Console) {
        self.remarks().iter().for_each(|remark| console.warn(remark));
    }

    /// Writes the file atomically. What was read and not changed is written as it was, unknown keys included.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomically(path, json::to_text(&self.merged()?).as_bytes())
    }

    /// Changes the file under a lock: loads it, applies `change`, checks the result and writes it only when it differs.
    /// Returns the config as it is then. Nothing is written when anything fails.
    pub fn update(path: &Path, choices: &Choices, change: impl FnOnce(&mut Self) -> Result<()>) -> Result<Self> {
        let _lock = lock::exclusive(path)?;
        let mut config = Self::load(path, choices)?;
        change(&mut config)?;
        let merged = config.merged()?;
        let unchanged = config.source.as_ref().is_some_and(|source| source.raw == merged);
        let config = Self::from_value(path, merged, choices)?;
        if !unchanged {
            config.save(path)?;
        }
        Ok(config)
    }

    /// What has to hold when training starts, and only then: warm-up must end before training does.
    pub fn check_for_training(&self) -> Result<()> {
        self.training.check_warmup()
    }

    fn to_value(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|error| Error::new("cannot express the config as JSON").because(error))
    }

    fn merged(&self) -> Result<Value> {
        let now = self.to_value()?;
        let Some(source) = &self.source else { return Ok(now) };
        let mut merged = source.raw.clone();
        rewrite::carry_over(&mut merged, &source.understood, &now);
        Ok(merged)
    }
}

/// Equal in meaning: unknown keys and spelling do not count.
impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        self.mist_version == other.mist_version
            && self.dataset_info == other.dataset_info
            && self.spatial_config == other.spatial_config
            && self.preprocessing == other.preprocessing
            && self.model == other.model
            && self.training == other.training
            && self.inference == other.inference
            && self.evaluation == other.evaluation
    }
}

#[cfg(test)]
mod tests;
