//! Validation after each epoch: whole volumes, one by one, as at prediction time.

use crate::error::{Error, Result};
use crate::load::CaseArrays;
use crate::network;
use crate::outputs::Outputs;
use crate::predict::ChannelsLast;
use crate::predict::stitch::{Settings, sliding_window};
use mist_nn::FeatureMap;
use mist_nn::losses::{Loss, Target, deep_supervision};
use mist_nn::models::{Model, Output};
use mist_nn::parameters::Parameters;

/// What validation found.
pub struct Validation {
    /// Mean loss over the cases, each counting alike.
    pub loss: f64,
    /// Mean Dice of each output but the background over those cases that have it, in truth or prediction.
    pub dice: Vec<Option<f64>>,
}

/// What validation needs besides the weights.
pub struct Validator<'a> {
    /// The network.
    pub model: &'a dyn Model,
    /// Dice over the outputs but the background, whatever loss trains.
    pub loss: &'a dyn Loss,
    /// What the outputs of the network stand for.
    pub outputs: &'a Outputs,
    /// Windows; uniform blending.
    pub windows: Settings,
    /// Cases that validate.
    pub cases: &'a [CaseArrays],
}

impl Validator<'_> {
    /// Predicts all cases. `done` is told the mean loss so far after each case.
    pub fn run(&self, parameters: &Parameters, mut done: impl FnMut(f64)) -> Result<Validation> {
        let device = mist_nn::for_inference();
        let weights = parameters.on(&device);
        let mut sum = 0.0;
        let mut dice = vec![(0.0, 0usize); self.outputs.names().len()];
        for (index, case) in self.cases.iter().enumerate() {
            let (volume, _) = case.read()?;
            let image = ChannelsLast::new(volume.size, volume.channels, volume.image)?;
            let mut forward = |patches| network::logits(self.model, &weights, &device, patches);
            let logits = sliding_window(&image, &self.windows, self.outputs.count(), 0..image.size()[0], &mut forward)?;
            let [x, y, z] = logits.size();
            add_dice(&mut dice, self.outputs, logits.values(), &volume.label);
            let prediction =
                FeatureMap::from_channels_last(logits.into_values(), [1, x, y, z, self.outputs.count()], &device);
            let output = Output { prediction, auxiliary: Vec::new() };
            let loss = Target::new(&volume.label, volume.size, self.outputs.encoding(), &device)
                .and_then(|target| deep_supervision(self.loss, &target, output))
                .map_err(|error| Error::new(error.to_string()).place(format!("case {}", case.id())))?;
            sum += f64::from(loss.into_scalar::<f32>());
            done(sum / (index + 1) as f64);
        }
        let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
        Ok(Validation { loss: sum / self.cases.len() as f64, dice: dice.into_iter().map(mean).collect() })
    }
}

/// Adds the Dice of one case to the sums of the outputs that it has. Voxels without truth do not count.
fn add_dice(sums: &mut [(f64, usize)], outputs: &Outputs, logits: &[f32], labels: &[u8]) {
    // Voxels of truth and prediction together, and of both at once.
    let mut counts = vec![[0u64; 2]; outputs.count()];
    for (logits, &label) in logits.chunks_exact(outputs.count()).zip(labels) {
        let Some(truth) = outputs.encoding().truth(label) else { continue };
        for ((count, hit), truth) in counts.iter_mut().zip(outputs.hits(logits)).zip(truth) {
            let truth = *truth > 0.0;
            count[0] += u64::from(hit) + u64::from(truth);
            count[1] += u64::from(hit && truth);
        }
    }
    let first = outputs.encoding().first_foreground();
    for (sum, [either, both]) in sums.iter_mut().zip(&counts[first..]) {
        if *either > 0 {
            *sum = (sum.0 + 2.0 * *both as f64 / *either as f64, sum.1 + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::add_dice;
    use crate::outputs::Outputs;

    #[test]
    fn dice_counts_the_cases_that_have_the_class() {
        let mut sums = [(0.0, 0); 2];
        // Predicted 1, 1, 0 where the truth is 1, 0, 0; class 2 is nowhere.
        let logits = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
        add_dice(&mut sums, &Outputs::classes(3), &logits, &[1, 0, 0]);
        assert_eq!(sums, [(2.0 / 3.0, 1), (0.0, 0)]);
    }
}
