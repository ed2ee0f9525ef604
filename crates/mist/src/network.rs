//! Networks as the pipeline uses them: built from the configuration, with weights from files.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::json::KeyPath;
use crate::predict::stitch::Patches;
use crate::weights;
use mist_nn::models::{Mode, Model, ModelConfig, ModelError};
use mist_nn::parameters::{Layout, Parameters, Weights};
use mist_nn::weights::{parameters_from, state_dict};
use mist_nn::{Device, FeatureMap, Registry};
use std::path::{Path, PathBuf};

/// Builds the network that the configuration describes, or says what is in the way.
pub fn build(config: &Config, registry: &Registry) -> Result<Box<dyn Model>> {
    build_or_key(config, registry).map_err(|of_key| of_key.1)
}

/// [`build`]; the error comes with the key that is in the way.
pub fn build_or_key(config: &Config, registry: &Registry) -> Result<Box<dyn Model>, Box<(KeyPath, Error)>> {
    let params = &config.model.params;
    let model = ModelConfig {
        in_channels: params.in_channels,
        out_channels: params.out_channels,
        patch_size: config.spatial_config.patch_size,
        target_spacing: config.spatial_config.target_spacing,
        extra: params.other.clone(),
    };
    registry.build(&config.model.architecture, &model).map_err(|error| {
        let key = KeyPath::default();
        let (key, hint) = match error {
            ModelError::KernelSize { .. } => {
                (key.key("model").key("params").key("kernel_size"), "it stands in model.params of config.json")
            }
            _ => (
                key.key("spatial_config").key("patch_size"),
                "choose another patch with --patch-size, or another architecture with --model",
            ),
        };
        let what = format!("the network `{}` cannot be built", config.model.architecture);
        Box::new((key, Error::new(what).because(error).hint(hint)))
    })
}

/// `<folder>/fold_<k>.pt`.
pub fn weights_file(folder: &Path, fold: usize) -> PathBuf {
    folder.join(format!("fold_{fold}.pt"))
}

/// Reads the weights of a network; names and shapes must be exactly its own.
pub fn read_weights(path: &Path, layout: &Layout) -> Result<Parameters> {
    parameters_from(&weights::read(path)?, layout).map_err(|error| {
        Error::new("cannot read the weights")
            .at(path)
            .because(error)
            .hint("the configuration must be that of the run which trained these weights")
    })
}

/// Writes the weights as a PyTorch file, completely or not at all.
pub fn write_weights(path: &Path, parameters: &Parameters) -> Result<()> {
    let state =
        state_dict(parameters).map_err(|error| Error::new("cannot write the weights").at(path).because(error))?;
    weights::write(path, &state)
}

/// A network with weights, ready for inference.
pub struct Network {
    model: Box<dyn Model>,
    weights: Weights,
    device: Device,
}

impl Network {
    /// Puts weights beside their network.
    pub fn new(model: Box<dyn Model>, parameters: &Parameters) -> Self {
        let device = mist_nn::for_inference();
        Self { weights: parameters.on(&device), model, device }
    }

    /// The configured network with the weights of a file.
    pub fn load(weights: &Path, config: &Config, registry: &Registry) -> Result<Self> {
        let model = build(config, registry)?;
        let parameters = read_weights(weights, model.layout())?;
        Ok(Self::new(model, &parameters))
    }

    /// As the function [`logits`].
    pub fn logits(&self, patches: Patches) -> Result<Vec<f32>> {
        logits(self.model.as_ref(), &self.weights, &self.device, patches)
    }
}

/// Logits of a batch of windows, `[window][x][y][z][class]`. A stop that the user asked for comes between two batches.
pub fn logits(model: &dyn Model, weights: &Weights, device: &Device, patches: Patches) -> Result<Vec<f32>> {
    if interrupt::requested() {
        return Err(Error::interrupted("stopped on request"));
    }
    let [x, y, z] = patches.size;
    // On a thread of the pool: from outside, every operation would wake the pool and wait to be woken.
    Ok(rayon::scope(|_| {
        let image = FeatureMap::from_channels_last(patches.data, [patches.count, x, y, z, patches.channels], device);
        model.forward(weights, &image, Mode::Inference).prediction.into_values()
    }))
}
