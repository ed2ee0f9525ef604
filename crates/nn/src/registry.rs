//! The architectures and losses that a program knows by name.

use crate::losses::{self, LossEntry};
use crate::models::{Model, ModelConfig, ModelError, mednext, mgnet, nnunet, swinunetr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Builds a network from its configuration.
pub type ModelFactory = fn(&ModelConfig) -> Result<Box<dyn Model>, ModelError>;

/// Architectures and losses by name. Allowed values in help texts, checks and messages come from here.
#[derive(Clone, Default)]
pub struct Registry {
    models: BTreeMap<String, ModelFactory>,
    losses: BTreeMap<String, Arc<LossEntry>>,
}

impl Registry {
    /// Everything that the stock program offers.
    pub fn builtin() -> Self {
        Self::default()
            .model("fmgnet", mgnet::fmgnet)
            .model("mednext-base", mednext::base)
            .model("mednext-large", mednext::large)
            .model("mednext-medium", mednext::medium)
            .model("mednext-small", mednext::small)
            .model("nnunet", nnunet::nnunet)
            .model("nnunet-pocket", nnunet::pocket)
            .model("swinunetr-base", swinunetr::base)
            .model("swinunetr-large", swinunetr::large)
            .model("swinunetr-small", swinunetr::small)
            .model("wnet", mgnet::wnet)
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
    pub fn model(mut self, name: impl Into<String>, factory: ModelFactory) -> Self {
        self.models.insert(name.into(), factory);
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
        self.models.get(name).ok_or_else(unknown)?(config)
    }

    /// The loss `name`, if there is one.
    pub fn find_loss(&self, name: &str) -> Option<Arc<LossEntry>> {
        self.losses.get(name).cloned()
    }
}
