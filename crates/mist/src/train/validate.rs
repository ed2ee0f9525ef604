//! Validation after each epoch: whole volumes, one by one, as at prediction time.

use crate::error::{Error, Result};
use crate::load::CaseArrays;
use crate::network;
use crate::predict::ChannelsLast;
use crate::predict::stitch::{Settings, sliding_window};
use mist_nn::FeatureMap;
use mist_nn::losses::{Loss, Target, deep_supervision};
use mist_nn::models::{Model, Output};
use mist_nn::parameters::Parameters;

/// What validation needs besides the weights.
pub struct Validator<'a> {
    /// The network.
    pub model: &'a dyn Model,
    /// Dice over the foreground classes, whatever loss trains.
    pub loss: &'a dyn Loss,
    /// Number of classes.
    pub classes: usize,
    /// Windows; uniform blending.
    pub windows: Settings,
    /// Cases that validate.
    pub cases: &'a [CaseArrays],
}

impl Validator<'_> {
    /// Mean loss over the cases, each counting alike. `done` is told after each case.
    pub fn run(&self, parameters: &Parameters, mut done: impl FnMut(f64)) -> Result<f64> {
        let device = mist_nn::for_inference();
        let weights = parameters.on(&device);
        let mut sum = 0.0;
        for (index, case) in self.cases.iter().enumerate() {
            let (volume, _) = case.read()?;
            let image = ChannelsLast::new(volume.size, volume.channels, volume.image)?;
            let mut forward = |patches| network::logits(self.model, &weights, &device, patches);
            let logits = sliding_window(&image, &self.windows, self.classes, &mut forward)?;
            let [x, y, z] = logits.size();
            let prediction = FeatureMap::from_channels_last(logits.into_values(), [1, x, y, z, self.classes], &device);
            let output = Output { prediction, auxiliary: Vec::new() };
            let loss = Target::new(&volume.label, volume.size, self.classes, &device)
                .and_then(|target| deep_supervision(self.loss, &target, output))
                .map_err(|error| Error::new(error.to_string()).place(format!("case {}", case.id())))?;
            sum += f64::from(loss.into_scalar::<f32>());
            done(sum / (index + 1) as f64);
        }
        Ok(sum / self.cases.len() as f64)
    }
}
