//! What the data dump needs to know of a case, collected while its files are in memory.

use super::shape::{Moments, Shape};
use crate::analyze::sampling::every_nth_of_foreground;
use mist_volume::Volume;

/// About this many intensities are taken under the mask of a case, for each channel; less than twice as many.
const SAMPLES: usize = 5000;

/// Facts of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseDump {
    /// Size of the image and mask files together.
    pub file_bytes: u64,
    /// Voxels of the mask that are not 0.
    pub foreground: u64,
    /// Of each label of the data set but the background, in its order.
    pub labels: Vec<LabelFacts>,
    /// Intensities under the mask, for each channel.
    pub intensities: Vec<Vec<f32>>,
}

/// One label in one case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelFacts {
    /// Voxels; 0 where the label is absent.
    pub voxels: u64,
    /// Its shape, where it has one.
    pub shape: Option<Shape>,
}

/// Where intensities are taken: the same voxels in all channels.
pub struct Samples(Vec<usize>);

impl Samples {
    /// Spread evenly over the foreground of a mask.
    pub fn of(mask: &Volume<f32>) -> Self {
        Self(every_nth_of_foreground(mask.voxels(), mask.size(), |count| count / SAMPLES))
    }

    /// The intensities of a channel, on the voxels of the mask.
    pub fn take(&self, image: &Volume<f32>) -> Vec<f32> {
        self.0.iter().map(|&index| image.voxels()[index]).collect()
    }
}

/// Voxels of the mask that are not 0, whatever they are.
pub fn foreground(mask: &Volume<f32>) -> u64 {
    mask.voxels().iter().filter(|&&value| value != 0.0).count() as u64
}

/// Counts and shapes of the labels of the data set but the background, in the order of `labels` (values, 0 first).
pub fn labels(mask: &Volume<f32>, labels: &[i64]) -> Vec<LabelFacts> {
    let classes = classes(mask.voxels(), labels);
    let spacing = mask.geometry().spacing;
    let moments = Moments::of_classes(&classes, mask.size(), labels.len());
    let facts = |(class, moments): (usize, &Moments)| LabelFacts {
        voxels: moments.voxels,
        shape: moments.shape(&classes, class as u16, spacing),
    };
    moments.iter().enumerate().skip(1).map(facts).collect()
}

/// Position of each value in `labels`; 0 for values that are no label.
fn classes(mask: &[f32], labels: &[i64]) -> Vec<u16> {
    let mut known = (0.0, 0);
    let class = |&value: &f32| {
        // Neighbouring voxels mostly agree.
        if value != known.0 {
            let position = labels.iter().position(|&label| label as f32 == value);
            known = (value, position.and_then(|position| u16::try_from(position).ok()).unwrap_or(0));
        }
        known.1
    };
    mask.iter().map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_volume::Geometry;

    fn volume(size: [usize; 3], voxels: Vec<f32>) -> Volume<f32> {
        Volume::new(Geometry::axis_aligned(size, [1.0; 3]), voxels).expect("as many as its size says")
    }

    #[test]
    fn labels_are_counted_by_value_and_others_are_foreground_only() {
        let mask = volume([2, 2, 2], vec![0.0, 4.0, 4.0, 1.0, 7.0, 0.0, 4.0, 0.0]);
        let counts: Vec<u64> = labels(&mask, &[0, 1, 2, 4]).iter().map(|label| label.voxels).collect();
        assert_eq!(counts, [1, 0, 3]);
        assert_eq!(foreground(&mask), 5);
    }

    #[test]
    fn all_channels_are_sampled_at_the_same_voxels() {
        let mask = volume([20_000, 1, 1], vec![1.0; 20_000]);
        let image = volume([20_000, 1, 1], (0..20_000).map(|value| value as f32).collect());
        let taken = Samples::of(&mask).take(&image);
        assert_eq!(taken.len(), 5000);
        assert_eq!(taken[..3], [0.0, 4.0, 8.0]);
    }
}
