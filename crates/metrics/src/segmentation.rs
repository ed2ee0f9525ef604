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

/// A label image in two bytes per voxel, with the box of each label. Labels that nobody asked for count as background.
#[derive(Clone, Debug)]
pub struct Segmentation {
    grid: Lattice,
    /// Ascending, without repetition; code `n` in `codes` is `labels[n - 1]`, code 0 is background.
    labels: Vec<i64>,
    codes: Vec<u16>,
    /// Box of each code; that of the background is not kept.
    regions: Vec<Region>,
}

impl Segmentation {
    /// Keeps the voxels of `voxels` (x fastest) whose value is exactly one of `labels`.
    pub fn new(voxels: &[f32], grid: Lattice, labels: &[i64]) -> Result<Self, SegmentationError> {
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
        let mut codes = vec![0; voxels.len()];
        let nothing = || vec![Region::EMPTY; labels.len() + 1];
        let regions = codes
            .par_chunks_mut((nx * ny).max(1))
            .zip(voxels.par_chunks((nx * ny).max(1)))
            .enumerate()
            .map(|(z, (codes, voxels))| {
                let mut regions = nothing();
                for (y, (codes, voxels)) in codes.chunks_mut(nx).zip(voxels.chunks(nx)).enumerate() {
                    encode_row(voxels, &labels, codes, |code, x| {
                        regions[code] = regions[code].union(Region::run(x, y, z));
                    });
                }
                regions
            })
            .reduce(nothing, |a, b| a.into_iter().zip(b).map(|(a, b)| a.union(b)).collect());
        Ok(Self { grid, labels, codes, regions })
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
        region.gather(&self.codes, self.grid.size(), |&code| selection[usize::from(code)])
    }
}

/// Writes the codes of one row, run by run, and reports the runs that are not background.
fn encode_row(voxels: &[f32], labels: &[i64], codes: &mut [u16], mut found: impl FnMut(usize, std::ops::Range<usize>)) {
    let mut start = 0;
    for run in voxels.chunk_by(|a, b| a == b) {
        let end = start + run.len();
        let value = f64::from(run[0]);
        // Labels are whole numbers below 2^53, so the comparison in double is exact.
        let position = labels.binary_search_by(|&label| (label as f64).total_cmp(&value));
        if let Ok(position) = position {
            codes[start..end].fill((position + 1) as u16);
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
