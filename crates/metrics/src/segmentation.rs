//! An image of labels, reduced to the labels that are evaluated.

use crate::region::Region;
use mist_volume::distance::Lattice;
use rayon::prelude::*;

/// Why an image could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentationError {
    /// The number of voxels is not that of the grid.
    #[error("the grid has {expected} voxels, the image {found}")]
    Length {
        /// Voxels of the grid.
        expected: usize,
        /// Voxels given.
        found: usize,
    },
    /// More labels than a voxel can hold.
    #[error("{count} labels are more than the 65535 that can be compared at once")]
    Labels {
        /// Distinct labels.
        count: usize,
    },
}

/// A label image in two bytes per voxel of the box around its labels, with the box of each label. Labels that nobody asked for
/// count as background.
#[derive(Clone, Debug)]
pub struct Segmentation {
    grid: Lattice,
    /// Ascending, without repetition; code `n` in `codes` is `labels[n - 1]`, code 0 is background.
    labels: Vec<i64>,
    /// The box that `codes` are of; beyond it everything is background.
    kept: Region,
    codes: Vec<u16>,
    /// Box of each code; that of the background is not kept.
    regions: Vec<Region>,
}

/// What voxels may hold: numbers that a double can hold exactly.
pub trait Value: Copy + Default + PartialEq + Into<f64> + Send + Sync {}

impl<T: Copy + Default + PartialEq + Into<f64> + Send + Sync> Value for T {}

impl Segmentation {
    /// Keeps the voxels of `voxels` (x fastest) whose value is exactly one of `labels`.
    pub fn new<T: Value>(voxels: &[T], grid: Lattice, labels: &[i64]) -> Result<Self, SegmentationError> {
        if voxels.len() != grid.points() {
            return Err(SegmentationError::Length { expected: grid.points(), found: voxels.len() });
        }
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        labels.dedup();
        if labels.len() > usize::from(u16::MAX) {
            return Err(SegmentationError::Labels { count: labels.len() });
        }
        let [nx, ny, _] = grid.size();
        let nothing = || vec![Region::EMPTY; labels.len() + 1];
        let plane = (nx * ny).max(1);
        let regions = voxels
            .par_chunks(plane)
            .enumerate()
            .map(|(z, voxels)| {
                let mut regions = nothing();
                for (y, voxels) in voxels.chunks(nx.max(1)).enumerate() {
                    for_each_run(voxels, &labels, |code, x| regions[code] = regions[code].union(Region::run(x, y, z)));
                }
                regions
            })
            .reduce(nothing, |a, b| a.into_iter().zip(b).map(|(a, b)| a.union(b)).collect());
        let kept = regions.iter().fold(Region::EMPTY, |union, region| union.union(*region));
        let [width, height, depth] = kept.size();
        let mut codes = vec![0; width * height * depth];
        codes.par_chunks_mut((width * height).max(1)).enumerate().for_each(|(z, codes)| {
            for (y, codes) in codes.chunks_mut(width.max(1)).enumerate() {
                let row = nx * (kept.start[1] + y + ny * (kept.start[2] + z));
                let voxels = &voxels[row + kept.start[0]..row + kept.end[0]];
                for_each_run(voxels, &labels, |code, x| codes[x].fill(code as u16));
            }
        });
        Ok(Self { grid, labels, kept, codes, regions })
    }

    /// Size in voxels and spacing in mm.
    pub fn grid(&self) -> &Lattice {
        &self.grid
    }

    /// True for every code that stands for one of `labels`.
    fn selection(&self, labels: &[i64]) -> Vec<bool> {
        std::iter::once(false).chain(self.labels.iter().map(|label| labels.contains(label))).collect()
    }

    /// Smallest box that holds every voxel of `labels`.
    pub(crate) fn region_of(&self, labels: &[i64]) -> Region {
        let selection = self.selection(labels);
        let chosen = self.regions.iter().zip(selection).filter(|(_, chosen)| *chosen);
        chosen.fold(Region::EMPTY, |union, (region, _)| union.union(*region))
    }

    /// The mask of `labels` inside `region`, x fastest.
    pub(crate) fn mask_of(&self, labels: &[i64], region: Region) -> Vec<bool> {
        let selection = self.selection(labels);
        let ([width, height, depth], [kept_width, kept_height, _]) = (region.size(), self.kept.size());
        let mut mask = vec![false; width * height * depth];
        let both = region.intersection(self.kept);
        for z in both.start[2]..both.end[2] {
            for y in both.start[1]..both.end[1] {
                let row = |of: Region, width: usize, height: usize| {
                    let start = width * (y - of.start[1] + height * (z - of.start[2]));
                    start + both.start[0] - of.start[0]..start + both.end[0] - of.start[0]
                };
                let codes = &self.codes[row(self.kept, kept_width, kept_height)];
                for (inside, code) in mask[row(region, width, height)].iter_mut().zip(codes) {
                    *inside = selection[usize::from(*code)];
                }
            }
        }
        mask
    }
}

/// Reports the runs of one row that are not background, with their codes.
fn for_each_run<T: Value>(voxels: &[T], labels: &[i64], mut found: impl FnMut(usize, std::ops::Range<usize>)) {
    let mut start = 0;
    for run in voxels.chunk_by(|a, b| a == b) {
        let end = start + run.len();
        let value: f64 = run[0].into();
        // Labels are whole numbers below 2^53, so the comparison in double is exact.
        let position = labels.binary_search_by(|&label| (label as f64).total_cmp(&value));
        if let Ok(position) = position {
            found(position + 1, start..end);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Lattice {
        Lattice::new([4, 2, 2], [1.0; 3]).unwrap()
    }

    #[test]
    fn labels_are_found_whatever_their_order_and_gaps() {
        let mut voxels = [0.0_f32; 16];
        voxels[1] = 700.0;
        voxels[2] = 4.0;
        voxels[14] = 4.0;
        voxels[3] = 3.0;
        let segmentation = Segmentation::new(&voxels, grid(), &[700, 4, 4]).unwrap();
        assert_eq!(segmentation.region_of(&[700]), Region::run(1..2, 0, 0));
        assert_eq!(segmentation.region_of(&[4]), Region { start: [2, 0, 0], end: [3, 2, 2] });
        assert_eq!(segmentation.region_of(&[3]), Region::EMPTY, "nobody asked for 3");
        let mask = segmentation.mask_of(&[4, 700], Region::whole([4, 2, 2]));
        assert_eq!((0..16).filter(|&voxel| mask[voxel]).collect::<Vec<_>>(), [1, 2, 14]);
    }

    #[test]
    fn masks_of_any_box_are_those_of_the_image() {
        let mut voxels = [0.0_f32; 16];
        voxels[5] = 1.0;
        voxels[14] = 2.0;
        let segmentation = Segmentation::new(&voxels, grid(), &[1, 2]).unwrap();
        let inside = |region: Region| {
            let mask = segmentation.mask_of(&[1, 2], region);
            (0..mask.len()).filter(|&voxel| mask[voxel]).collect::<Vec<_>>()
        };
        assert_eq!(inside(Region::whole([4, 2, 2])), [5, 14]);
        assert_eq!(inside(Region { start: [1, 1, 0], end: [4, 2, 2] }), [0, 4]);
        assert!(inside(Region { start: [3, 0, 0], end: [4, 2, 2] }).is_empty(), "beside what is kept");
    }

    #[test]
    fn values_between_labels_are_background() {
        let mut voxels = [0.0_f32; 16];
        voxels[..4].copy_from_slice(&[1.5, f32::NAN, f32::INFINITY, -1.0]);
        let segmentation = Segmentation::new(&voxels, grid(), &[1, 2]).unwrap();
        assert_eq!(segmentation.region_of(&[1, 2]), Region::EMPTY);
    }

    #[test]
    fn an_image_of_another_size_is_refused() {
        let error = Segmentation::new(&[0.0; 15], grid(), &[1]).unwrap_err();
        assert_eq!(error, SegmentationError::Length { expected: 16, found: 15 });
    }
}
