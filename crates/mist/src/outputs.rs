//! What the outputs of a run's network stand for, and how labels follow from them.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::predict::ChannelsLast;
use mist_nn::losses::Encoding;
#[cfg(test)]
use mist_volume::Geometry;
use mist_volume::Volume;
use rayon::prelude::*;

/// Most classes that a map of 8-bit indices can tell apart; 255 means "no class" where maps are resampled.
const MOST_CLASSES: usize = 255;
/// Voxels that a thread takes at once; small enough to stay in cache, large enough to be worth a hand-over.
const VOXELS_AT_ONCE: usize = 4096;

/// Classes, or regions that may overlap. Labels are counted by their position in `dataset_info.labels`.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    encoding: Encoding,
    /// Names of the outputs but the background.
    names: Vec<String>,
    /// Of regions: the label of a voxel that lies in this region and in no later one.
    own_labels: Vec<u8>,
    /// How much each output counts in training.
    weights: Option<Vec<f32>>,
}

impl Outputs {
    /// As `training.regions`, `training.ignore_label` and `training.class_weights` say.
    pub fn of(config: &Config) -> Self {
        let (training, labels) = (&config.training, &config.dataset_info.labels);
        let position = |label: &i64| labels.iter().position(|other| other == label);
        let ignored = training.ignore_label.as_ref().and_then(position);
        let mut outputs = match &training.regions {
            None => {
                let classes = labels.len() - usize::from(ignored.is_some());
                let names = labels.iter().take(classes).skip(1).map(|label| format!("label_{label}"));
                Self {
                    encoding: Encoding::classes(classes),
                    names: names.collect(),
                    own_labels: Vec::new(),
                    weights: None,
                }
            }
            Some(regions) => {
                let regions = &regions.0;
                let members = |label: &i64| regions.iter().map(|region| region.labels.contains(label)).collect();
                let members: Vec<Vec<bool>> = labels.iter().map(members).collect();
                Self {
                    encoding: Encoding::regions(regions.len(), &members),
                    names: regions.iter().map(|region| region.name.clone()).collect(),
                    own_labels: regions
                        .iter()
                        .filter_map(|region| position(&region.own_label))
                        .map(|at| at as u8)
                        .collect(),
                    weights: None,
                }
            }
        };
        if let Some(ignored) = ignored {
            outputs.encoding = outputs.encoding.ignoring(ignored as u8);
        }
        if let Some(weights) = &training.class_weights {
            outputs.weights = Some(weights.iter().map(|weight| *weight as f32).collect());
        }
        outputs
    }

    /// Classes that exclude each other; label `i` is class `i`.
    pub fn classes(count: usize) -> Self {
        let names = (1..count).map(|label| format!("label_{label}")).collect();
        Self { encoding: Encoding::classes(count), names, own_labels: Vec::new(), weights: None }
    }

    /// Their number: channels of the network's logits.
    pub fn count(&self) -> usize {
        self.encoding.outputs()
    }

    /// How labels are encoded as outputs that count alike.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// The same with the weights of training.
    pub fn weighted(&self) -> Encoding {
        match &self.weights {
            Some(weights) => self.encoding.clone().weighted(weights.clone()),
            None => self.encoding.clone(),
        }
    }

    /// Names of the outputs but the background: `label_<label>`, or those of the regions.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Replaces logits by probabilities: softmax over classes, sigmoid of each region.
    pub fn activate(&self, logits: &mut ChannelsLast) {
        let outputs = logits.channels();
        let activate = if self.encoding.is_overlapping() { sigmoid } else { softmax };
        logits
            .values_mut()
            .par_chunks_mut(outputs * VOXELS_AT_ONCE)
            .for_each(|block| block.chunks_exact_mut(outputs).for_each(activate));
    }

    /// The label of every voxel of a slab, whose first plane is x = `first`, put into an image of the standard frame: the most
    /// probable class, the lowest of equal ones; or the own label of the last region that is more probable than not.
    ///
    /// # Errors
    /// More than 255 classes, or a slab that does not fit into the image.
    pub fn decide(&self, probabilities: &ChannelsLast, first: usize, labels: &mut Volume<u8>) -> Result<()> {
        let ([slab_x, ny, nz], outputs) = (probabilities.size(), probabilities.channels());
        if outputs > MOST_CLASSES {
            return Err(Error::new(format!("at most {MOST_CLASSES} classes are supported, the network has {outputs}")));
        }
        let [nx, image_y, image_z] = labels.size();
        if [image_y, image_z] != [ny, nz] || first + slab_x > nx {
            return Err(Error::new("the prediction does not fit the image").because(format!(
                "it has {:?} voxels, the image {:?}",
                probabilities.size(),
                labels.size()
            )));
        }
        labels.voxels_mut().par_chunks_mut(nx * ny).enumerate().for_each(|(z, plane)| {
            for (y, row) in plane.chunks_exact_mut(nx).enumerate() {
                for (x, label) in row[first..first + slab_x].iter_mut().enumerate() {
                    let at = ((x * ny + y) * nz + z) * outputs;
                    *label = self.label(&probabilities.values()[at..at + outputs]);
                }
            }
        });
        Ok(())
    }

    /// The label of every voxel of an image with the given spacing (mm), see [`Self::decide`].
    #[cfg(test)]
    pub fn decide_all(&self, probabilities: &ChannelsLast, spacing: [f64; 3]) -> Volume<u8> {
        let mut labels = Volume::filled(Geometry::axis_aligned(probabilities.size(), spacing), 0);
        self.decide(probabilities, 0, &mut labels).unwrap();
        labels
    }

    fn label(&self, probabilities: &[f32]) -> u8 {
        if self.encoding.is_overlapping() {
            let last = probabilities.iter().rposition(|probability| *probability > 0.5);
            return last.and_then(|last| self.own_labels.get(last)).copied().unwrap_or(0);
        }
        let mut best = (0, f32::NEG_INFINITY);
        for (class, probability) in probabilities.iter().enumerate() {
            if *probability > best.1 {
                best = (class, *probability);
            }
        }
        best.0 as u8
    }

    /// Whether these logits of a voxel put it into an output, one after the other.
    pub fn hits<'a>(&'a self, logits: &'a [f32]) -> impl Iterator<Item = bool> + 'a {
        let class = (!self.encoding.is_overlapping()).then(|| usize::from(self.label(logits)));
        logits.iter().enumerate().map(move |(output, logit)| class.map_or(*logit > 0.0, |class| class == output))
    }
}

/// `exp(l_k − max) / Σ_j exp(l_j − max)`.
fn softmax(voxel: &mut [f32]) {
    let largest = voxel.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in voxel.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    for value in voxel {
        *value /= sum;
    }
}

/// `1 / (1 + exp(−l))`.
fn sigmoid(voxel: &mut [f32]) {
    for value in voxel {
        *value = 1.0 / (1.0 + (-*value).exp());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> Outputs {
        // A tumour of labels 1 and 2, and its core of label 2.
        let encoding = Encoding::regions(2, &[vec![false; 2], vec![true, false], vec![true; 2]]);
        Outputs { encoding, names: vec!["tumour".into(), "core".into()], own_labels: vec![1, 2], weights: None }
    }

    #[test]
    fn large_logits_do_not_overflow_and_sums_are_one() {
        let mut scores = ChannelsLast::new([1, 1, 2], 3, vec![1000.0, 1001.0, 999.0, -5.0, -5.0, -5.0]).unwrap();
        Outputs::classes(3).activate(&mut scores);
        let e = std::f32::consts::E;
        let sum = 1.0 + e + 1.0 / e;
        let third = 1.0 / 3.0;
        let expected = [1.0 / sum, e / sum, 1.0 / e / sum, third, third, third];
        for (found, expected) in scores.values().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn the_lowest_class_wins_ties() {
        let scores = ChannelsLast::new([1, 1, 3], 3, vec![0.2, 0.4, 0.4, 0.5, 0.5, 0.0, 0.0, 0.0, 1.0]).unwrap();
        assert_eq!(Outputs::classes(3).decide_all(&scores, [1.0; 3]).voxels(), [1, 0, 2]);
    }

    #[test]
    fn a_voxel_gets_the_label_of_its_last_region() {
        let mut scores = ChannelsLast::new([1, 1, 4], 2, vec![-1.0, -2.0, 3.0, -1.0, 2.0, 1.0, -200.0, 200.0]).unwrap();
        let hits: Vec<Vec<bool>> = scores.values().chunks(2).map(|logits| regions().hits(logits).collect()).collect();
        assert_eq!(hits, [[false, false], [true, false], [true, true], [false, true]]);
        regions().activate(&mut scores);
        assert_eq!(regions().decide_all(&scores, [1.0; 3]).voxels(), [0, 1, 2, 2]);
        assert!((scores.values()[2] - 0.952_574).abs() < 1e-6);
        assert_eq!(scores.values()[6..], [0.0, 1.0]);
    }
}
