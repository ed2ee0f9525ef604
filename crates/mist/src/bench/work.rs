//! What is repeated: one forward pass, or one optimizer step, on a made-up batch.

use super::{Options, Pass};
use crate::error::{Error, Result};
use crate::load::Batch;
use crate::network::Network;
use crate::predict::stitch::Patches;
use crate::train::step::Trainer;
use mist_nn::losses::{Classes, Encoding, Loss, dice_ce::DiceCe};
use mist_nn::models::{Model, ModelConfig};
use mist_nn::optimizers::{Kind, Optimizer};
use mist_nn::parameters::Parameters;
use mist_nn::random::{Place, Purpose, Stream};
use mist_nn::{Device, Registry};
use serde_json::Map;

/// Learning rate and weight decay; they do not change the time.
const LEARNING_RATE: f64 = 1e-3;
const WEIGHT_DECAY: f64 = 1e-5;
/// Largest norm of the gradients, as in training by default.
const CLIP_NORM: f64 = 1.0;

/// A batch of noise.
#[derive(Clone)]
pub(super) struct Samples {
    images: Vec<f32>,
    labels: Vec<u8>,
}

impl Samples {
    /// Normal values, and labels that take turns.
    pub(super) fn new(options: &Options) -> Self {
        let voxels = options.batch_size * options.patch_size.iter().product::<usize>();
        let mut noise = Stream::new(0, Purpose::Synthesis, Place::default());
        Self {
            images: (0..voxels * options.in_channels).map(|_| noise.normal() as f32).collect(),
            labels: (0..voxels).map(|voxel| (voxel / 7 % options.out_channels) as u8).collect(),
        }
    }
}

/// The work and what it needs.
pub(super) struct Work<'a> {
    options: &'a Options,
    state: State,
}

enum State {
    Forward(Box<Network>),
    Train(Box<Training>),
}

struct Training {
    model: Box<dyn Model>,
    loss: Box<dyn Loss>,
    encoding: Encoding,
    device: Device,
    parameters: Parameters,
    optimizer: Optimizer,
}

impl<'a> Work<'a> {
    /// Builds the network with initial weights.
    pub(super) fn new(options: &'a Options, registry: &Registry) -> Result<Self> {
        let config = ModelConfig {
            in_channels: options.in_channels,
            out_channels: options.out_channels,
            patch_size: options.patch_size,
            target_spacing: [1.0; 3],
            extra: Map::new(),
        };
        let model = registry.build(&options.model, &config).map_err(|error| {
            Error::new(format!("the network `{}` cannot be built", options.model))
                .because(error)
                .hint("choose another --patch-size or --model")
        })?;
        let parameters = Parameters::initial(model.layout(), 0);
        let state = match options.pass {
            Pass::Forward => State::Forward(Box::new(Network::new(model, &parameters))),
            Pass::Train => State::Train(Box::new(Training {
                loss: Box::new(DiceCe::new(Classes::All)),
                encoding: Encoding::classes(options.out_channels),
                device: mist_nn::for_training(),
                optimizer: Optimizer::new(Kind::AdamW, WEIGHT_DECAY, parameters.layout().parameters.len()),
                parameters,
                model,
            })),
        };
        Ok(Self { options, state })
    }

    /// Number of weights.
    pub(super) fn weights(&self) -> usize {
        match &self.state {
            State::Forward(_) => 0,
            State::Train(training) => training.parameters.count(),
        }
    }

    /// One repetition.
    pub(super) fn run(&mut self, samples: Samples) -> Result<()> {
        let Samples { images, labels } = samples;
        let Options { patch_size: size, in_channels: channels, batch_size: count, .. } = *self.options;
        match &mut self.state {
            State::Forward(network) => network.logits(Patches { count, size, channels, data: images }).map(drop),
            State::Train(training) => {
                let ids = (0..count).map(|sample| format!("sample {sample}")).collect();
                training.step(std::iter::once(Ok(Batch { images, labels, distances: None, size, channels, ids })))
            }
        }
    }

    /// A training step on these batches.
    pub(super) fn train_on(&mut self, batches: impl Iterator<Item = Result<Batch>> + Send) -> Result<()> {
        match &mut self.state {
            State::Forward(_) => Err(Error::new("prediction does not train")),
            State::Train(training) => training.step(batches),
        }
    }
}

impl Training {
    fn step(&mut self, batches: impl Iterator<Item = Result<Batch>> + Send) -> Result<()> {
        let trainer = Trainer {
            model: self.model.as_ref(),
            loss: self.loss.as_ref(),
            encoding: self.encoding.clone(),
            clip_norm: CLIP_NORM,
            device: self.device.clone(),
        };
        trainer.step(&mut self.parameters, &mut self.optimizer, batches, LEARNING_RATE, None).map(drop)
    }
}
