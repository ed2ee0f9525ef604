//! How the labels of a segmentation are encoded as outputs of a network.

/// The outputs that a label stands for: one of several classes that exclude each other (one-hot, probabilities by
/// softmax), or any number of regions that may overlap (multi-hot, probabilities by sigmoid).
#[derive(Clone, Debug, PartialEq)]
pub struct Encoding {
    outputs: usize,
    overlapping: bool,
    /// `[label][output]`, 1 where the label belongs to the output and 0 elsewhere.
    members: Vec<f32>,
    ignored: Option<u8>,
    /// How much each output counts.
    weights: Vec<f32>,
}

impl Encoding {
    /// Label `i` is class `i`.
    pub fn classes(count: usize) -> Self {
        let members = (0..count * count).map(|index| if index / count == index % count { 1.0 } else { 0.0 }).collect();
        Self { outputs: count, overlapping: false, members, ignored: None, weights: vec![1.0; count] }
    }

    /// Label `i` belongs to those of `count` regions for which `members[i]` is true.
    ///
    /// # Panics
    /// If a label does not say of every region whether it belongs to it.
    pub fn regions(count: usize, members: &[Vec<bool>]) -> Self {
        assert!(members.iter().all(|of_label| of_label.len() == count), "labels and regions do not match");
        let members = members.iter().flatten().map(|&member| if member { 1.0 } else { 0.0 }).collect();
        Self { outputs: count, overlapping: true, members, ignored: None, weights: vec![1.0; count] }
    }

    /// Voxels with this label have no truth and count nowhere.
    pub fn ignoring(self, label: u8) -> Self {
        Self { ignored: Some(label), ..self }
    }

    /// How much each output counts in means over outputs, and its voxels in cross entropy.
    ///
    /// # Panics
    /// If there are not as many as outputs.
    pub fn weighted(self, weights: Vec<f32>) -> Self {
        assert_eq!(weights.len(), self.outputs, "weights do not match the outputs");
        Self { weights, ..self }
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Whether outputs may overlap, so that each has a probability of its own.
    pub fn is_overlapping(&self) -> bool {
        self.overlapping
    }

    /// First output that is no background: regions have none.
    pub fn first_foreground(&self) -> usize {
        if self.overlapping { 0 } else { 1 }
    }

    /// The label that marks voxels without truth.
    pub fn ignored(&self) -> Option<u8> {
        self.ignored
    }

    /// How much each output counts.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Whether the label has a meaning, if only that it is ignored.
    pub fn knows(&self, label: u8) -> bool {
        self.ignored == Some(label) || self.truth(label).is_some()
    }

    /// 1 for the outputs that the label belongs to and 0 for the others; nothing for a label that is ignored or unknown.
    #[inline(always)]
    pub fn truth(&self, label: u8) -> Option<&[f32]> {
        if self.ignored == Some(label) {
            return None;
        }
        self.members.get(usize::from(label) * self.outputs..)?.get(..self.outputs).filter(|truth| !truth.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_for_a_class_or_for_regions() {
        let classes = Encoding::classes(2).ignoring(2);
        assert_eq!(
            [0, 1, 2, 3].map(|label| classes.truth(label)),
            [Some(&[1.0, 0.0][..]), Some(&[0.0, 1.0]), None, None]
        );
        assert_eq!([0, 1, 2, 3].map(|label| classes.knows(label)), [true, true, true, false]);
        let regions = Encoding::regions(2, &[vec![false; 2], vec![true, false], vec![true; 2]]);
        assert_eq!([0, 1, 2].map(|label| regions.truth(label).unwrap().iter().sum::<f32>()), [0.0, 1.0, 2.0]);
        assert!(!regions.knows(3));
    }
}
