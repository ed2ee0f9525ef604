//! The architectures and losses that a program knows by name.

use crate::losses::{self, LossEntry};
use crate::models::{Model, ModelConfig, ModelError, check_divisible, mednext, mgnet, nnunet, swinunetr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Builds a network from its configuration.
pub type ModelFactory = dyn Fn(&ModelConfig) -> Result<Box<dyn Model>, ModelError> + Send + Sync;

/// What a list of architectures says of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// What it is, in a few words.
    pub what: &'static str,
    /// Which patches it takes.
    pub patch: &'static str,
    /// Beginnings of the names of the tensors that transfer learning takes by default: those of the encoder.
    pub encoder: &'static [&'static str],
    /// Names of the tensors that see the image, whose input channels transfer learning may adapt.
    pub input: &'static [&'static str],
    /// Whether the tensors' shapes depend on patch size and spacing.
    pub planned: bool,
}

#[derive(Clone)]
struct ModelEntry {
    build: Arc<ModelFactory>,
    about: About,
}

/// Architectures and losses by name. Allowed values in help texts, checks and messages come from here.
#[derive(Clone, Default)]
pub struct Registry {
    models: BTreeMap<String, ModelEntry>,
    losses: BTreeMap<String, Arc<LossEntry>>,
}

impl Registry {
    /// Everything that the stock program offers.
    pub fn builtin() -> Self {
        Self::default()
            .described_model("fmgnet", mgnet::ABOUT_FMGNET, mgnet::fmgnet)
            .described_model("mednext-base", mednext::ABOUT_BASE, mednext::base)
            .described_model("mednext-large", mednext::ABOUT_LARGE, mednext::large)
            .described_model("mednext-medium", mednext::ABOUT_MEDIUM, mednext::medium)
            .described_model("mednext-small", mednext::ABOUT_SMALL, mednext::small)
            .described_model("nnunet", nnunet::ABOUT, nnunet::nnunet)
            .described_model("nnunet-pocket", nnunet::ABOUT_POCKET, nnunet::pocket)
            .described_model("swinunetr-base", swinunetr::ABOUT_BASE, swinunetr::base)
            .described_model("swinunetr-large", swinunetr::ABOUT_LARGE, swinunetr::large)
            .described_model("swinunetr-small", swinunetr::ABOUT_SMALL, swinunetr::small)
            .described_model("wnet", mgnet::ABOUT_WNET, mgnet::wnet)
            .loss("bl", losses::bl::entry())
            .loss("cldice", losses::cldice::entry())
            .loss("dice", losses::dice::entry())
            .loss("dice_ce", losses::dice_ce::entry())
            .loss("gsl", losses::gsl::entry())
            .loss("hdos", losses::hdos::entry())
            .loss("vessel_sddl", losses::vessel_sddl::entry())
            .loss("volumetric_sddl", losses::volumetric_sddl::entry())
    }

    /// Adds an architecture, or replaces the one of that name.
    pub fn model(
        self,
        name: impl Into<String>,
        factory: impl Fn(&ModelConfig) -> Result<Box<dyn Model>, ModelError> + Send + Sync + 'static,
    ) -> Self {
        self.described_model(name, About::default(), factory)
    }

    /// [`Self::model`] with what lists and transfer learning want to know of it.
    pub fn described_model(
        mut self,
        name: impl Into<String>,
        about: About,
        factory: impl Fn(&ModelConfig) -> Result<Box<dyn Model>, ModelError> + Send + Sync + 'static,
    ) -> Self {
        self.models.insert(name.into(), ModelEntry { build: Arc::new(factory), about });
        self
    }

    /// Adds a loss, or replaces the one of that name.
    pub fn loss(mut self, name: impl Into<String>, entry: LossEntry) -> Self {
        self.losses.insert(name.into(), Arc::new(entry));
        self
    }

    /// Names of all architectures, sorted.
    pub fn model_names(&self) -> Vec<&str> {
        self.models.keys().map(String::as_str).collect()
    }

    /// Names of all losses, sorted.
    pub fn loss_names(&self) -> Vec<&str> {
        self.losses.keys().map(String::as_str).collect()
    }

    /// Builds the architecture `name`.
    pub fn build(&self, name: &str, config: &ModelConfig) -> Result<Box<dyn Model>, ModelError> {
        let unknown = || ModelError::Unknown { name: name.to_owned(), known: self.model_names().join(", ") };
        let model = (self.models.get(name).ok_or_else(unknown)?.build)(config)?;
        // The stock models say more of it as they are built; one from elsewhere may leave it to this.
        check_divisible(config.patch_size, model.divisor())?;
        Ok(model)
    }

    /// What there is to say of the architecture `name`, if there is one.
    pub fn about(&self, name: &str) -> Option<About> {
        self.models.get(name).map(|entry| entry.about)
    }

    /// The loss `name`, if there is one.
    pub fn find_loss(&self, name: &str) -> Option<Arc<LossEntry>> {
        self.losses.get(name).cloned()
    }
}
