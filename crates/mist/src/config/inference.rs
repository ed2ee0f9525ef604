//! `inference`: how a network is used.

use crate::error::Result;
use crate::json::Section;
use serde::Serialize;

/// Values of `inference.inferer.name`.
pub const INFERERS: [&str; 1] = ["sliding_window"];
/// Values of `inference.ensemble.strategy`.
pub const ENSEMBLE_STRATEGIES: [&str; 1] = ["mean"];

/// `inference`: how a trained network is applied.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inference {
    /// How an image larger than a patch is covered.
    pub inferer: Inferer,
    /// How several networks are combined.
    pub ensemble: Ensemble,
    /// Test-time augmentation.
    pub tta: Tta,
}

/// `inference.inferer`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inferer {
    /// `sliding_window`, the only one.
    pub name: String,
    /// Its parameters.
    pub params: InfererParams,
}

/// `inference.inferer.params`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InfererParams {
    /// Weight of a voxel by its place in the window.
    pub patch_blend_mode: BlendMode,
    /// Overlap of neighbouring windows as a part of their size, in [0, 1).
    pub patch_overlap: f64,
    /// Windows per batch; absent means twice `training.batch_size_per_gpu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sw_batch_size: Option<usize>,
}

/// Weights with which overlapping windows are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BlendMode {
    /// Bell-shaped: the middle of a window counts most.
    Gaussian,
    /// All voxels alike.
    Constant,
}

/// `inference.ensemble`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ensemble {
    /// `mean`, the only one.
    pub strategy: String,
}

/// `inference.tta`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tta {
    /// False is the same as the strategy `none`.
    pub enabled: bool,
    /// Which variants of the image are predicted and averaged.
    pub strategy: TtaStrategy,
}

/// Variants of an image for test-time augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TtaStrategy {
    /// The image alone.
    None,
    /// The image and all its mirror images along x, y, z: eight.
    AllFlips,
}

impl BlendMode {
    /// The words in the file.
    pub const NAMES: [&str; 2] = ["gaussian", "constant"];
}

impl TtaStrategy {
    /// The words in the file.
    pub const NAMES: [&str; 2] = ["none", "all_flips"];
}

impl Tta {
    /// True where mirrored images are predicted too.
    pub fn flips(&self) -> bool {
        self.enabled && self.strategy == TtaStrategy::AllFlips
    }
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            inferer: Inferer { name: "sliding_window".into(), params: InfererParams::default() },
            ensemble: Ensemble { strategy: "mean".into() },
            tta: Tta { enabled: true, strategy: TtaStrategy::AllFlips },
        }
    }
}

impl Default for InfererParams {
    fn default() -> Self {
        Self { patch_blend_mode: BlendMode::Gaussian, patch_overlap: 0.5, sw_batch_size: None }
    }
}

impl Inference {
    pub(super) fn parse(section: &Section) -> Result<Self> {
        let ensemble = section.required("ensemble")?.section()?;
        let inference = Self {
            inferer: Inferer::parse(&section.required("inferer")?.section()?)?,
            ensemble: Ensemble { strategy: ensemble.required("strategy")?.choice(&ENSEMBLE_STRATEGIES)?.to_owned() },
            tta: Tta::parse(&section.required("tta")?.section()?)?,
        };
        ensemble.note_unknown();
        section.note_unknown();
        Ok(inference)
    }
}

impl Inferer {
    fn parse(section: &Section) -> Result<Self> {
        let inferer = Self {
            name: section.required("name")?.choice(&INFERERS)?.to_owned(),
            params: InfererParams::parse(&section.required("params")?.section()?)?,
        };
        section.note_unknown();
        Ok(inferer)
    }
}

impl InfererParams {
    fn parse(section: &Section) -> Result<Self> {
        let mut params = Self::default();
        if let Some(field) = section.optional("patch_blend_mode") {
            params.patch_blend_mode = match field.choice(&BlendMode::NAMES)? {
                "constant" => BlendMode::Constant,
                _ => BlendMode::Gaussian,
            };
        }
        if let Some(field) = section.optional("patch_overlap") {
            params.patch_overlap = field.number("a number from 0 to below 1", |value| (0.0..1.0).contains(&value))?;
        }
        if let Some(field) = section.optional("sw_batch_size").and_then(|field| field.or_null()) {
            params.sw_batch_size = Some(field.count(1)?);
        }
        section.refuse_unknown()?;
        Ok(params)
    }
}

impl Tta {
    fn parse(section: &Section) -> Result<Self> {
        let tta = Self {
            enabled: section.required("enabled")?.boolean()?,
            strategy: match section.required("strategy")?.choice(&TtaStrategy::NAMES)? {
                "none" => TtaStrategy::None,
                _ => TtaStrategy::AllFlips,
            },
        };
        section.note_unknown();
        Ok(tta)
    }
}
