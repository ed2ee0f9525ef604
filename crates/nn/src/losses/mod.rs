//! Loss functions, one file each. A new one is a file here with its line below, and a line in [`crate::Registry::builtin`].

pub mod bl;
pub mod cldice;
mod composite;
pub mod dice;
pub mod dice_ce;
pub mod gsl;
pub mod hdos;
mod morphology;
mod segmentation;
mod settings;
mod supervision;
mod surface_dilation;
mod target;
pub mod vessel_sddl;
pub mod volumetric_sddl;
mod weighting;

pub use composite::weigh;
pub use segmentation::Segmentation;
pub use settings::{LossSettings, SettingsError};
pub use supervision::deep_supervision;
pub use target::{Target, TargetError};
pub use weighting::LossWeighting;

pub use mist_ops::Encoding;
use mist_ops::Tensor;

/// Which outputs a loss averages over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classes {
    /// All, background included.
    All,
    /// All but the background; regions have none.
    Foreground,
}

impl Classes {
    /// The first output that counts.
    fn first(self, encoding: &Encoding) -> usize {
        match self {
            Self::All => 0,
            Self::Foreground => encoding.first_foreground(),
        }
    }
}

/// A differentiable measure of disagreement between predicted probabilities and the truth.
pub trait Loss: Send + Sync {
    /// The loss of one head, a single value.
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError>;
}

/// What a loss asks of the run besides labels and logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Signed distance maps of the classes, made by preprocessing. There are none of regions, nor where labels are ignored.
    pub distance_maps: bool,
    /// The voxel spacing in millimetres.
    pub spacing: bool,
    /// The weight of its first term, which follows a schedule over the epochs.
    pub alpha: bool,
}

/// How a loss is offered.
pub struct LossEntry {
    /// What it asks of the run.
    pub needs: Needs,
    /// Keys of `training.loss.params` that it knows, besides `exclude_background`, which all know.
    pub parameters: Vec<&'static str>,
    /// Builds it from parameters whose keys are known.
    pub construct: fn(&LossSettings) -> Result<Box<dyn Loss>, SettingsError>,
}

impl LossEntry {
    /// Checks the keys of the parameters and builds the loss.
    pub fn build(&self, settings: &LossSettings) -> Result<Box<dyn Loss>, SettingsError> {
        settings.refuse_unknown(&self.parameters)?;
        (self.construct)(settings)
    }
}
