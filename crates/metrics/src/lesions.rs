//! Truth and prediction taken apart into lesions, for the lesion-wise metrics.
//!
//! The scheme is that of the BraTS challenges (Saluja et al., *Lesion-wise performance metrics for brain tumor
//! segmentation*, 2023): components of the truth are lesions, each is dilated, and the predicted components that overlap
//! the dilated lesion are its prediction. Voxels are neighbours when they share a face or an edge, for components and for
//! dilation.

use crate::Comparison;
use crate::metric::{Parameter, Settings};
use crate::region::Region;
use mist_volume::components::{Components, ComponentsError, Connectivity};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Lesions of the truth below this volume in mm³ are not counted.
pub(crate) const MIN_LESION_VOLUME: Parameter = Parameter { name: "min_lesion_volume", default: 10.0 };

/// How many voxels a lesion is dilated by before predicted components are looked for in it.
pub(crate) const DILATION_ITERS: Parameter = Parameter { name: "dilation_iters", default: 3.0 };

/// How many voxels the truth is dilated by before it is taken apart, so that close pieces are one lesion.
pub(crate) const GT_CONSOLIDATION_ITERS: Parameter = Parameter { name: "gt_consolidation_iters", default: 0.0 };

/// The parameters of every lesion-wise metric.
pub(crate) const PARAMETERS: &[Parameter] = &[MIN_LESION_VOLUME, DILATION_ITERS, GT_CONSOLIDATION_ITERS];

/// Lesions whose boxes have more voxels are compared one after another: each uses all threads, and much memory.
const LARGE: usize = 1 << 20;

const NEIGHBOURS: Connectivity = Connectivity::Edges;

/// The lesions of one class of one case.
pub(crate) struct Lesions<'a> {
    comparison: &'a Comparison,
    /// Number of the lesion at each voxel of the truth, 0 elsewhere.
    truth: Vec<u32>,
    prediction: Components,
    prediction_regions: Vec<Region>,
    counted: Vec<Lesion>,
    false_positives: usize,
}

/// A lesion of the truth that is large enough to count.
struct Lesion {
    number: u32,
    region: Region,
    /// Numbers of the predicted components that overlap the dilated lesion; none when it was missed.
    matches: BTreeSet<u32>,
}

impl<'a> Lesions<'a> {
    /// Takes both masks apart and matches them.
    pub(crate) fn of(comparison: &'a Comparison, settings: &Settings) -> Result<Self, ComponentsError> {
        // Parameters are numbers of voxels; what is below one voxel is nothing.
        let iterations = |parameter| settings.value(parameter).max(0.0) as usize;
        let size = comparison.grid().size();
        let prediction = Components::of(comparison.prediction(), size, NEIGHBOURS)?;
        let truth = consolidated(comparison.truth(), size, iterations(&GT_CONSOLIDATION_ITERS))?;
        let voxel_volume: f64 = comparison.grid().spacing().iter().product();
        let smallest = settings.value(&MIN_LESION_VOLUME);

        let mut dilation = Dilation::new(size);
        let mut counted = Vec::new();
        for (voxels, number) in truth.voxels().iter().zip(1..) {
            if (voxels.len() as f64) * voxel_volume < smallest {
                continue;
            }
            let mut matches = BTreeSet::new();
            dilation.from(voxels, iterations(&DILATION_ITERS), |voxel| {
                matches.extend(Some(prediction.labels[voxel]).filter(|&component| component > 0));
            });
            counted.push(Lesion { number, region: region_of(voxels, size), matches });
        }
        let matched: BTreeSet<u32> = counted.iter().flat_map(|lesion| lesion.matches.iter().copied()).collect();
        Ok(Self {
            comparison,
            truth: truth.labels,
            prediction_regions: prediction.voxels().iter().map(|voxels| region_of(voxels, size)).collect(),
            false_positives: prediction.count - matched.len(),
            prediction,
            counted,
        })
    }

    /// Lesions that count.
    pub(crate) fn count(&self) -> usize {
        self.counted.len()
    }

    /// Lesions that count and were detected.
    pub(crate) fn detected(&self) -> usize {
        self.counted.iter().filter(|lesion| !lesion.matches.is_empty()).count()
    }

    /// Predicted components that belong to no lesion that counts. They have no size limit.
    pub(crate) fn false_positives(&self) -> usize {
        self.false_positives
    }

    /// Mean over lesions and false positives: `(Σ scores + missing·(missed + false positives)) / (lesions + false
    /// positives)`, where `score` compares a detected lesion with the union of its matches, and `missing` stands for a
    /// lesion that was missed as for a false positive. `None` when there is nothing to average.
    pub(crate) fn mean(&self, missing: f64, score: impl Fn(&Comparison) -> f64 + Sync) -> Option<f64> {
        let of_one = |lesion: &Lesion| self.compare(lesion).map_or(missing, |comparison| score(&comparison));
        let is_large = |lesion: &Lesion| self.region(lesion).size().iter().product::<usize>() > LARGE;
        let small = |lesion: &Lesion| if is_large(lesion) { 0.0 } else { of_one(lesion) };
        let mut scores: Vec<f64> = self.counted.par_iter().map(small).collect();
        for (score, lesion) in scores.iter_mut().zip(&self.counted).filter(|(_, lesion)| is_large(lesion)) {
            *score = of_one(lesion);
        }
        let total = self.count() + self.false_positives;
        let sum = scores.iter().sum::<f64>() + self.false_positives as f64 * missing;
        (total > 0).then(|| sum / total as f64)
    }

    /// The box around a lesion and its matches.
    fn region(&self, lesion: &Lesion) -> Region {
        let matches =
            lesion.matches.iter().filter_map(|&component| self.prediction_regions.get(component as usize - 1));
        matches.fold(lesion.region, |union, &region| union.union(region))
    }

    /// A detected lesion against the union of its matches, whole components.
    fn compare(&self, lesion: &Lesion) -> Option<Comparison> {
        let (size, region) = (self.comparison.grid().size(), self.region(lesion));
        if lesion.matches.is_empty() {
            return None;
        }
        let truth = region.gather(&self.truth, size, |&number| number == lesion.number);
        let prediction = region.gather(&self.prediction.labels, size, |component| lesion.matches.contains(component));
        self.comparison.part(truth, prediction, region).ok()
    }
}

/// The components of the truth; pieces that touch after `iterations` dilations are one.
fn consolidated(truth: &[bool], size: [usize; 3], iterations: usize) -> Result<Components, ComponentsError> {
    if iterations == 0 {
        return Components::of(truth, size, NEIGHBOURS);
    }
    let inside: Vec<usize> = (0..truth.len()).filter(|&voxel| truth[voxel]).collect();
    let mut dilated = vec![false; truth.len()];
    Dilation::new(size).from(&inside, iterations, |voxel| dilated[voxel] = true);
    let mut components = Components::of(&dilated, size, NEIGHBOURS)?;
    for (label, &inside) in components.labels.iter_mut().zip(truth) {
        *label = if inside { *label } else { 0 };
    }
    Ok(components)
}

fn region_of(voxels: &[usize], size: [usize; 3]) -> Region {
    voxels.iter().fold(Region::EMPTY, |region, &voxel| {
        let [x, y, z] = position(voxel, size);
        region.union(Region::run(x..x + 1, y, z))
    })
}

fn position(voxel: usize, [nx, ny, _]: [usize; 3]) -> [usize; 3] {
    [voxel % nx, voxel / nx % ny, voxel / (nx * ny)]
}

/// Dilation of a few voxels at a time, step by step outwards; costs what is reached and not the whole image.
struct Dilation {
    size: [usize; 3],
    offsets: Vec<[isize; 3]>,
    /// The last round in which a voxel was reached.
    reached: Vec<u32>,
    round: u32,
}

impl Dilation {
    fn new(size: [usize; 3]) -> Self {
        Self { size, offsets: NEIGHBOURS.offsets(), reached: vec![0; size.iter().product()], round: 0 }
    }

    /// Calls `found` once for every voxel within `iterations` steps of `seeds`, the seeds included.
    fn from(&mut self, seeds: &[usize], iterations: usize, mut found: impl FnMut(usize)) {
        self.round += 1;
        let mut front = seeds.to_vec();
        for &seed in seeds {
            self.reached[seed] = self.round;
            found(seed);
        }
        for _ in 0..iterations {
            let mut next = Vec::new();
            for voxel in front {
                let from = position(voxel, self.size);
                for offset in &self.offsets {
                    let to = [0, 1, 2].map(|axis| from[axis].wrapping_add_signed(offset[axis]));
                    if (0..3).any(|axis| to[axis] >= self.size[axis]) {
                        continue;
                    }
                    let neighbour = to[0] + self.size[0] * (to[1] + self.size[1] * to[2]);
                    if self.reached[neighbour] != self.round {
                        self.reached[neighbour] = self.round;
                        found(neighbour);
                        next.push(neighbour);
                    }
                }
            }
            if next.is_empty() {
                break;
            }
            front = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_reach_the_eighteen_neighbours_twice() {
        let mut reached = Vec::new();
        Dilation::new([7; 3]).from(&[3 + 7 * (3 + 7 * 3)], 2, |voxel| reached.push(position(voxel, [7; 3])));
        // Each step moves along two axes at most.
        let within = |p: &[usize; 3]| {
            let steps = p.map(|at| at.abs_diff(3));
            steps.iter().all(|&step| step <= 2) && steps.iter().sum::<usize>() <= 4
        };
        assert!(reached.iter().all(within));
        let expected = (0..343).map(|voxel| position(voxel, [7; 3])).filter(within).count();
        assert_eq!(reached.len(), expected);
    }

    #[test]
    fn the_border_stops_a_dilation() {
        let mut reached = 0;
        Dilation::new([2, 1, 1]).from(&[0], 1000, |_| reached += 1);
        assert_eq!(reached, 2);
    }
}
