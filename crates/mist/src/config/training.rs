//! `training`: how a network is trained.

use super::regions::Regions;
use super::{Hardware, Loss};
use crate::error::{Error, Result};
use crate::json::{Field, Section};
use serde::Serialize;
use std::time::Duration;

/// Values of `training.optimizer`; the file may have them in any case.
pub use mist_nn::optimizers::NAMES as OPTIMIZERS;
/// Values of `training.lr_scheduler`; the file may have them in any case.
pub use mist_nn::schedules::NAMES as LR_SCHEDULERS;

/// Largest weight in `training.class_weights`.
pub(crate) const LARGEST_WEIGHT: f64 = 1e6;

/// Folds that analysis makes unless told otherwise.
const DEFAULT_FOLDS: usize = 5;
/// More than any data set has cases for; lists of all folds stay small.
pub(crate) const MOST_FOLDS: i64 = 10_000;
const DEFAULT_CHECKPOINT_MINUTES: f64 = 15.0;
/// Longer than any run; a larger number of minutes would not fit into a duration.
const MOST_MINUTES: f64 = 1e9;

/// `training`: how the network is trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Training {
    /// Seed of every random draw of training and of the `val_percent` split, not of the fold assignment.
    pub seed: u64,
    /// Number of folds.
    pub nfolds: usize,
    /// Folds to train, as listed; see [`Training::folds_to_train`].
    pub folds: Vec<usize>,
    /// Part of the training cases, in [0, 1), that validates; 0: the held-out fold does.
    pub val_percent: f64,
    /// Epochs.
    pub epochs: usize,
    /// Steps of an epoch, at least.
    pub min_steps_per_epoch: usize,
    /// Patches of a step, per GPU.
    pub batch_size_per_gpu: usize,
    /// Probability, in [0, 1], that a patch is centred on foreground.
    pub dali_foreground_prob: f64,
    /// What is minimized.
    pub loss: Loss,
    /// One of [`OPTIMIZERS`], lower case.
    pub optimizer: String,
    /// Learning rate after warm-up.
    pub learning_rate: f64,
    /// One of [`LR_SCHEDULERS`], lower case.
    pub lr_scheduler: String,
    /// Epochs over which the learning rate rises; 0 for none.
    pub warmup_epochs: usize,
    /// Weight decay.
    pub l2_penalty: f64,
    /// Largest Euclidean norm of the gradient.
    pub grad_clip_norm: f64,
    /// Compute in bfloat16 where the device is fast at it.
    pub amp: bool,
    /// Most minutes between two checkpoints inside an epoch; 15 if absent. Not a key of MIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_minutes: Option<f64>,
    /// Batches whose mean gradient makes one optimizer step; 1 if absent. Not a key of MIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accumulation_steps: Option<usize>,
    /// Decay of a moving average of the weights, which is then what is validated and kept. Not a key of MIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// Epochs without a new best validation loss after which a fold stops. Not a key of MIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping_patience: Option<usize>,
    /// Parts that overlap, which the network then finds instead of the labels. Not a key of MIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<Regions>,
    /// The label, last in `dataset_info.labels`, of voxels that nobody has looked at. Not a key of MIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_label: Option<i64>,
    /// How much each class, background first, or each region counts in the loss; 1 if absent. Not a key of MIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<Vec<f64>>,
    /// Random changes to training patches.
    pub augmentation: Augmentation,
    /// Devices and loading.
    pub hardware: Hardware,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            seed: 42,
            nfolds: DEFAULT_FOLDS,
            folds: (0..DEFAULT_FOLDS).collect(),
            val_percent: 0.0,
            epochs: 1000,
            min_steps_per_epoch: 250,
            batch_size_per_gpu: 2,
            dali_foreground_prob: 0.6,
            loss: Loss { name: "dice_ce".into(), composite_loss_weighting: None, params: Default::default() },
            optimizer: "adamw".into(),
            learning_rate: 0.001,
            lr_scheduler: "cosine".into(),
            warmup_epochs: 20,
            l2_penalty: 0.0001,
            grad_clip_norm: 1.0,
            amp: true,
            checkpoint_minutes: None,
            accumulation_steps: None,
            ema_decay: None,
            early_stopping_patience: None,
            regions: None,
            ignore_label: None,
            class_weights: None,
            augmentation: Augmentation::default(),
            hardware: Hardware::default(),
        }
    }
}

impl Training {
    /// `labels` are those of the data set.
    pub(super) fn parse(section: &Section, losses: Option<&[String]>, labels: &[i64]) -> Result<Self> {
        let fraction = "a number from 0 to 1";
        let nfolds = section.required("nfolds")?;
        let nfolds = nfolds
            .integer(&format!("a whole number from 2 to {MOST_FOLDS}"), |folds| (2..=MOST_FOLDS).contains(&folds))?
            as usize;
        let grad_clip_norm = section.optional("grad_clip_norm");
        let warmup_epochs = section.optional("warmup_epochs");
        let optional = |key| section.optional(key).and_then(|field| field.or_null());
        let ignore_label = optional("ignore_label").map(|field| ignore_label(&field, labels)).transpose()?;
        let foreground: Vec<i64> =
            labels.iter().copied().filter(|label| *label != 0 && Some(*label) != ignore_label).collect();
        let regions = optional("regions").map(|field| Regions::parse(&field, &foreground)).transpose()?;
        let outputs = regions.as_ref().map_or(1 + foreground.len(), |regions| regions.0.len());
        let background = usize::from(regions.is_none());
        let training = Self {
            seed: section.required("seed")?.count(0)? as u64,
            nfolds,
            folds: parse_folds(&section.required("folds")?, nfolds)?,
            val_percent: section
                .required("val_percent")?
                .number("a number from 0 to below 1", |value| (0.0..1.0).contains(&value))?,
            epochs: section.required("epochs")?.count(0)?,
            min_steps_per_epoch: section.required("min_steps_per_epoch")?.count(0)?,
            batch_size_per_gpu: section.required("batch_size_per_gpu")?.count(1)?,
            dali_foreground_prob: section
                .required("dali_foreground_prob")?
                .number(fraction, |value| (0.0..=1.0).contains(&value))?,
            loss: Loss::parse(&section.required("loss")?.section()?, losses)?,
            optimizer: section.required("optimizer")?.choice_in_any_case(&OPTIMIZERS)?,
            learning_rate: section.required("learning_rate")?.number("a number above 0", |value| value > 0.0)?,
            lr_scheduler: section.required("lr_scheduler")?.choice_in_any_case(&LR_SCHEDULERS)?,
            warmup_epochs: warmup_epochs.map_or(Ok(0), |field| field.count(0))?,
            l2_penalty: section.required("l2_penalty")?.number("a number, 0 or more", |value| value >= 0.0)?,
            grad_clip_norm: grad_clip_norm
                .map_or(Ok(1.0), |field| field.number("a number above 0", |value| value > 0.0))?,
            amp: section.required("amp")?.boolean()?,
            checkpoint_minutes: optional("checkpoint_minutes")
                .map(|field| field.number("a number above 0", |value| value > 0.0))
                .transpose()?,
            accumulation_steps: optional("accumulation_steps").map(|field| field.count(1)).transpose()?,
            ema_decay: optional("ema_decay")
                .map(|field| field.number("a number above 0 and below 1", |value| value > 0.0 && value < 1.0))
                .transpose()?,
            early_stopping_patience: optional("early_stopping_patience").map(|field| field.count(1)).transpose()?,
            class_weights: optional("class_weights")
                .map(|field| class_weights(&field, outputs, background))
                .transpose()?,
            regions,
            ignore_label,
            augmentation: Augmentation::parse(&section.required("augmentation")?.section()?)?,
            hardware: Hardware::parse(&section.required("hardware")?.section()?)?,
        };
        section.note_unknown();
        Ok(training)
    }

    /// How many outputs the network needs for a data set of so many labels, and what they are.
    pub fn outputs(&self, labels: usize) -> (usize, &'static str) {
        match (&self.regions, self.ignore_label) {
            (Some(regions), _) => (regions.0.len(), "the number of `training.regions`"),
            (None, Some(_)) => (labels - 1, "the number of `dataset_info.labels` without `training.ignore_label`"),
            (None, None) => (labels, "the number of `dataset_info.labels`"),
        }
    }

    /// Warm-up must end before training does.
    pub fn check_warmup(&self) -> Result<()> {
        let (warmup, epochs) = (self.warmup_epochs, self.epochs);
        if warmup == 0 || warmup < epochs {
            return Ok(());
        }
        Err(Error::new(format!("`training.warmup_epochs` is {warmup}"))
            .because(format!("it must be below `training.epochs`, which is {epochs}, or 0 for no warm-up"))
            .hint(format!("add --warmup-epochs {}", epochs / 10)))
    }

    /// Whether a fold goes on after so many epochs without a new best validation loss.
    pub fn is_patient_after(&self, epochs: usize) -> bool {
        self.early_stopping_patience.is_none_or(|patience| epochs < patience)
    }

    /// Batches whose mean gradient makes one optimizer step.
    pub fn batches_per_step(&self) -> usize {
        self.accumulation_steps.unwrap_or(1).max(1)
    }

    /// Optimizer steps of an epoch: at least `min_steps_per_epoch`, and enough for a pass over all cases, which takes
    /// `batches`.
    pub fn steps_per_epoch(&self, batches: usize) -> usize {
        batches.div_ceil(self.batches_per_step()).max(self.min_steps_per_epoch)
    }

    /// Most time between two checkpoints.
    pub fn checkpoint_interval(&self) -> Duration {
        let minutes = self.checkpoint_minutes.unwrap_or(DEFAULT_CHECKPOINT_MINUTES);
        Duration::from_secs_f64(60.0 * minutes.clamp(0.0, MOST_MINUTES))
    }

    /// The folds to train: those listed, or all of `nfolds` where the list is a default one.
    ///
    /// Who changes the number of folds need not touch the list that analysis wrote beside it: the five default folds
    /// mean all of a larger number, and 0…m−1 with m above `nfolds` means all of a smaller one.
    pub fn folds_to_train(&self) -> Vec<usize> {
        let is_run = self.folds.iter().copied().eq(0..self.folds.len());
        let is_default = self.folds.len() == DEFAULT_FOLDS || self.folds.len() > self.nfolds;
        if is_run && is_default { (0..self.nfolds).collect() } else { self.folds.clone() }
    }
}

/// The last label, which is not the only one besides the background.
fn ignore_label(field: &Field, labels: &[i64]) -> Result<i64> {
    let last = labels.last().copied().filter(|_| labels.len() > 2);
    match last {
        Some(last) => field.integer(&format!("{last}, the last of `dataset_info.labels`"), |label| label == last),
        None => Err(field.refuse("absent: `dataset_info.labels` has no label to spare")),
    }
}

/// As many weights as outputs, of which the first may be the `background`.
fn class_weights(field: &Field, outputs: usize, background: usize) -> Result<Vec<f64>> {
    let weight =
        |item: &Field| item.number("a weight: a number, 0 or more", |value| (0.0..=LARGEST_WEIGHT).contains(&value));
    let weights: Vec<f64> = field.filled_list()?.iter().map(weight).collect::<Result<_>>()?;
    if weights.len() != outputs || weights.iter().skip(background).all(|weight| *weight == 0.0) {
        let of = if background == 1 { "class, the background first" } else { "region" };
        return Err(field.refuse(format_args!("{outputs} weights, one for each {of}; not all 0")));
    }
    Ok(weights)
}

/// Distinct folds below `nfolds`, or the default list of another number of folds.
fn parse_folds(field: &Field, nfolds: usize) -> Result<Vec<usize>> {
    let items = field.filled_list()?;
    let folds: Vec<usize> = items.iter().map(|item| item.count(0)).collect::<Result<_>>()?;
    if folds.iter().copied().eq(0..folds.len()) {
        return Ok(folds);
    }
    for (position, (item, fold)) in items.iter().zip(&folds).enumerate() {
        if *fold >= nfolds {
            return Err(item.refuse(format_args!("a fold: a whole number from 0 to {}", nfolds - 1)));
        }
        if folds.iter().take(position).any(|other| other == fold) {
            return Err(item.refuse("a fold that is not listed before"));
        }
    }
    Ok(folds)
}

/// `training.augmentation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Augmentation {
    /// False switches all of them off.
    pub enabled: bool,
    /// One switch each.
    pub transforms: Transforms,
}

/// `training.augmentation.transforms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Transforms {
    /// Mirroring along x, y, z.
    pub flips: bool,
    /// Enlarging a part of the patch.
    pub zoom: bool,
    /// Gaussian noise.
    pub noise: bool,
    /// Gaussian blur.
    pub blur: bool,
    /// Intensity times a factor.
    pub brightness: bool,
    /// Intensity range times a factor.
    pub contrast: bool,
    /// Rotation. Not a key of MIST, nor are those that follow; absent: off.
    #[serde(skip_serializing_if = "is_off")]
    pub rotation: bool,
    /// Elastic deformation.
    #[serde(skip_serializing_if = "is_off")]
    pub elastic: bool,
    /// Simulation of low resolution.
    #[serde(skip_serializing_if = "is_off")]
    pub low_resolution: bool,
    /// Gamma correction.
    #[serde(skip_serializing_if = "is_off")]
    pub gamma: bool,
}

fn is_off(switch: &bool) -> bool {
    !switch
}

impl Default for Augmentation {
    fn default() -> Self {
        let transforms = Transforms {
            flips: true,
            zoom: true,
            noise: true,
            blur: true,
            brightness: true,
            contrast: true,
            rotation: false,
            elastic: false,
            low_resolution: false,
            gamma: false,
        };
        Self { enabled: true, transforms }
    }
}

impl Augmentation {
    fn parse(section: &Section) -> Result<Self> {
        let transforms = section.required("transforms")?.section()?;
        let flag = |key| transforms.required(key)?.boolean();
        let off_if_absent = |key| transforms.optional(key).map_or(Ok(false), |field| field.boolean());
        let augmentation = Self {
            enabled: section.required("enabled")?.boolean()?,
            transforms: Transforms {
                flips: flag("flips")?,
                zoom: flag("zoom")?,
                noise: flag("noise")?,
                blur: flag("blur")?,
                brightness: flag("brightness")?,
                contrast: flag("contrast")?,
                rotation: off_if_absent("rotation")?,
                elastic: off_if_absent("elastic")?,
                low_resolution: off_if_absent("low_resolution")?,
                gamma: off_if_absent("gamma")?,
            },
        };
        transforms.refuse_unknown()?;
        section.note_unknown();
        Ok(augmentation)
    }
}
