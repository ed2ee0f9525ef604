//! Probabilities of several flips and several networks, averaged.

use super::ChannelsLast;
use super::flips::Flip;
use super::stitch::{Forward, Settings, sliding_window};
use crate::error::{Error, Result};
use crate::outputs::Outputs;
use rayon::prelude::*;
use std::ops::Range;

/// A mean in single precision: results are added in the order in which they come, then divided by their number.
#[derive(Debug, Default)]
pub struct Mean {
    sums: Option<ChannelsLast>,
    count: usize,
}

impl Mean {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one result, mirrored back by `flip`.
    ///
    /// # Errors
    /// If its size is not that of the results before.
    pub fn add(&mut self, values: ChannelsLast, flip: Flip) -> Result<()> {
        match &mut self.sums {
            Some(sums) if sums.size() == values.size() && sums.channels() == values.channels() => {
                flip.add(&values, sums);
            }
            Some(_) => return Err(Error::new("predictions of different sizes cannot be averaged")),
            None if flip.is_identity() => self.sums = Some(values),
            None => self.sums = Some(flip.apply(&values).into_owned()),
        }
        self.count += 1;
        Ok(())
    }

    /// The mean.
    ///
    /// # Errors
    /// If nothing was added.
    pub fn finish(self) -> Result<ChannelsLast> {
        let mut sums = self.sums.ok_or_else(|| Error::new("there are no predictions to average"))?;
        if self.count > 1 {
            let count = self.count as f32;
            sums.values_mut().par_iter_mut().with_min_len(65_536).for_each(|sum| *sum /= count);
        }
        Ok(sums)
    }
}

/// Probabilities of the outputs of one network for the planes x = `planes` of an image: the mean over the flips. Each flip
/// is a sliding window of its own with its own softmax or sigmoid; windows are laid out on the flipped image.
///
/// Several networks are averaged by adding their results, in order, to another [`Mean`] with [`Flip::IDENTITY`]: so
/// only one network has to be in memory at a time.
///
/// # Errors
/// As [`sliding_window`], and if there is no flip.
pub fn probabilities(
    image: &ChannelsLast,
    settings: &Settings,
    outputs: &Outputs,
    flips: &[Flip],
    planes: Range<usize>,
    forward: &mut Forward,
) -> Result<ChannelsLast> {
    let mut mean = Mean::new();
    for flip in flips {
        let flipped = flip.planes(planes.clone(), image.size()[0]);
        let mut scores = sliding_window(&flip.apply(image), settings, outputs.count(), flipped, forward)?;
        outputs.activate(&mut scores);
        mean.add(scores, *flip)?;
    }
    mean.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::flips::strategy;
    use crate::predict::golden;
    use crate::predict::window::Blending;

    #[test]
    fn averages_over_flips_and_networks_are_those_of_the_reference() {
        let outputs = Outputs::classes(3);
        for run in golden::json("sliding_window/predictor_runs.json").as_array().unwrap() {
            let image = golden::channels_last(&format!("sliding_window/{}", run["input"].as_str().unwrap()));
            let settings = Settings {
                patch_size: golden::from(&run["patch"]),
                overlap: run["overlap"].as_f64().unwrap(),
                blending: Blending::Gaussian,
                batch: 2,
            };
            let names = golden::from::<Vec<String>>(&run["models"]);
            let flips = strategy(run["tta"].as_str().unwrap()).unwrap();
            let mut over_networks = Mean::new();
            for name in names {
                let planes = 0..image.size()[0];
                let mut network = golden::fake_network(&name);
                let result = probabilities(&image, &settings, &outputs, flips, planes, &mut network).unwrap();
                over_networks.add(result, Flip::IDENTITY).unwrap();
            }
            let found = over_networks.finish().unwrap();
            let expected = golden::channels_last(&format!("sliding_window/{}", run["probs"].as_str().unwrap()));
            golden::assert_close(found.values(), expected.values(), 2e-6, &run.to_string());

            let indices = outputs.decide_all(&found, [1.0; 3]);
            let (size, expected) = golden::array(&format!("sliding_window/{}", run["class_indices"].as_str().unwrap()));
            for (at, expected) in expected.iter().enumerate() {
                let place = [at / (size[1] * size[2]), at / size[2] % size[1], at % size[2]];
                assert_eq!(indices.get(place).map(|index| f32::from(*index)), Some(*expected), "{place:?} of {run}");
            }
        }
    }

    #[test]
    fn means_need_results_of_one_size() {
        assert!(Mean::new().finish().is_err());
        let array = |size, channels| ChannelsLast::new(size, channels, vec![1.0; 8 * channels]).unwrap();
        let mut mean = Mean::new();
        mean.add(array([2, 2, 2], 1), Flip::IDENTITY).unwrap();
        assert!(mean.add(array([1, 2, 4], 1), Flip::IDENTITY).is_err());
        assert!(mean.add(array([2, 2, 2], 2), Flip::IDENTITY).is_err());
        assert_eq!(mean.finish().unwrap(), array([2, 2, 2], 1));
    }
}
