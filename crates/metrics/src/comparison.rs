//! One class of one case: the two masks, cropped to what they cover together.

use crate::region::Region;
use crate::segmentation::Segmentation;
use crate::surface::SurfaceDistances;
use mist_volume::distance::{DistanceError, Lattice};
use std::sync::OnceLock;

/// Why two masks cannot be compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ComparisonError {
    /// The images have different numbers of voxels.
    #[error("the truth has {truth:?} voxels, the prediction {prediction:?}")]
    Size {
        /// Voxels of the truth per axis.
        truth: [usize; 3],
        /// Voxels of the prediction per axis.
        prediction: [usize; 3],
    },
    /// A mask does not fill its grid.
    #[error("the grid has {expected} voxels, the mask {found}")]
    Length {
        /// Voxels of the grid.
        expected: usize,
        /// Voxels of the mask.
        found: usize,
    },
    /// The corners of the voxels do not fit in memory.
    #[error(transparent)]
    Distance(#[from] DistanceError),
}

/// Truth and prediction of one class. Metrics read it; what several of them need is computed once and kept.
#[derive(Debug)]
pub struct Comparison {
    /// Size of the crop in voxels, and spacing in mm.
    grid: Lattice,
    /// The lattice of voxel corners: one point more than `grid` along each axis.
    corners: Lattice,
    truth: Vec<bool>,
    prediction: Vec<bool>,
    truth_voxels: usize,
    prediction_voxels: usize,
    image_diagonal: f64,
    surfaces: OnceLock<SurfaceDistances>,
}

impl Comparison {
    /// Compares two masks (x fastest) on one grid.
    pub fn new(truth: &[bool], prediction: &[bool], grid: Lattice) -> Result<Self, ComparisonError> {
        for mask in [truth, prediction] {
            if mask.len() != grid.points() {
                return Err(ComparisonError::Length { expected: grid.points(), found: mask.len() });
            }
        }
        let [nx, ny, _] = grid.size();
        let mut region = Region::EMPTY;
        for (index, (&truth, &prediction)) in truth.iter().zip(prediction).enumerate() {
            if truth || prediction {
                let x = index % nx;
                region = region.union(Region::run(x..x + 1, index / nx % ny, index / (nx * ny)));
            }
        }
        let region = or_whole(region, grid.size());
        let crop = |mask| region.gather(mask, grid.size(), |&inside: &bool| inside);
        Self::cropped(crop(truth), crop(prediction), region.size(), &grid)
    }

    /// Compares the voxels that carry one of `labels`. Spacing is that of the truth.
    pub fn of_class(truth: &Segmentation, prediction: &Segmentation, labels: &[i64]) -> Result<Self, ComparisonError> {
        let grid = truth.grid();
        if grid.size() != prediction.grid().size() {
            return Err(ComparisonError::Size { truth: grid.size(), prediction: prediction.grid().size() });
        }
        let region = or_whole(truth.region_of(labels).union(prediction.region_of(labels)), grid.size());
        Self::cropped(truth.mask_of(labels, region), prediction.mask_of(labels, region), region.size(), grid)
    }

    fn cropped(
        truth: Vec<bool>,
        prediction: Vec<bool>,
        size: [usize; 3],
        image: &Lattice,
    ) -> Result<Self, ComparisonError> {
        let count = |mask: &[bool]| mask.iter().filter(|&&inside| inside).count();
        Ok(Self {
            grid: Lattice::new(size, image.spacing())?,
            corners: Lattice::new(size.map(|voxels| voxels + 1), image.spacing())?,
            truth_voxels: count(&truth),
            prediction_voxels: count(&prediction),
            truth,
            prediction,
            image_diagonal: image.diagonal(),
            surfaces: OnceLock::new(),
        })
    }

    /// Compares two masks of a part of this crop; the image stays the same.
    pub(crate) fn part(
        &self,
        truth: Vec<bool>,
        prediction: Vec<bool>,
        region: Region,
    ) -> Result<Self, ComparisonError> {
        let part = Self::cropped(truth, prediction, region.size(), &self.grid)?;
        Ok(Self { image_diagonal: self.image_diagonal, ..part })
    }

    /// Size of the crop in voxels, and spacing in mm.
    pub fn grid(&self) -> &Lattice {
        &self.grid
    }

    /// Mask of the truth inside the crop, x fastest.
    pub fn truth(&self) -> &[bool] {
        &self.truth
    }

    /// Mask of the prediction inside the crop, x fastest.
    pub fn prediction(&self) -> &[bool] {
        &self.prediction
    }

    /// Voxels of the truth.
    pub fn truth_voxels(&self) -> usize {
        self.truth_voxels
    }

    /// Voxels of the prediction.
    pub fn prediction_voxels(&self) -> usize {
        self.prediction_voxels
    }

    /// Diagonal in mm of the image before cropping: `sqrt(Σ (nᵢ·sᵢ)²)`.
    pub fn image_diagonal(&self) -> f64 {
        self.image_diagonal
    }

    /// Diagonal in mm of the crop.
    pub fn crop_diagonal(&self) -> f64 {
        self.grid.diagonal()
    }

    /// Surfaces of both masks with their distances; computed by the first metric that asks.
    pub fn surfaces(&self) -> &SurfaceDistances {
        self.surfaces
            .get_or_init(|| SurfaceDistances::between(&self.truth, &self.prediction, &self.grid, &self.corners))
    }
}

/// Two empty masks are not cropped.
fn or_whole(region: Region, size: [usize; 3]) -> Region {
    if region == Region::EMPTY { Region::whole(size) } else { region }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_masks_are_cropped_to_their_union() {
        let grid = Lattice::new([6, 5, 4], [1.0, 2.0, 3.0]).unwrap();
        let mut truth = vec![false; 120];
        let mut prediction = vec![false; 120];
        truth[2 + 6 * (1 + 5)] = true;
        prediction[4 + 6 * (1 + 5 * 2)] = true;
        let comparison = Comparison::new(&truth, &prediction, grid).unwrap();
        assert_eq!(comparison.grid().size(), [3, 1, 2]);
        assert_eq!(comparison.truth(), [true, false, false, false, false, false]);
        assert_eq!(comparison.prediction(), [false, false, false, false, false, true]);
        assert_eq!(comparison.image_diagonal(), (36.0_f64 + 100.0 + 144.0).sqrt());
    }

    #[test]
    fn images_of_different_sizes_are_refused() {
        let small = Segmentation::new(&[1.0; 8], Lattice::new([2; 3], [1.0; 3]).unwrap(), &[1]).unwrap();
        let large = Segmentation::new(&[1.0; 27], Lattice::new([3; 3], [1.0; 3]).unwrap(), &[1]).unwrap();
        let error = Comparison::of_class(&small, &large, &[1]).unwrap_err();
        assert_eq!(error, ComparisonError::Size { truth: [2; 3], prediction: [3; 3] });
    }
}
