//! How much memory the comparison of a case takes.

use mist_volume::distance::Lattice;

/// Bytes per voxel of an image, and of the codes that are kept of it.
const IMAGE: f64 = 4.0;
const CODES: f64 = 2.0;

/// Bytes per voxel of a mark for voxels that do not count.
const MARK: f64 = 1.0;

/// Bytes per voxel of a crop for two masks, and for the distance transform of one at a time.
const MASKS: f64 = 2.0;
const DISTANCES: f64 = 1.0 + 8.0;

/// Bytes per voxel of a crop for lesions: their numbers on both sides, and which voxels a dilation has reached.
const LESIONS: f64 = 3.0 * 4.0;

/// Bytes at least: for the second image beside the codes of the first one.
pub(super) fn of_reading(grid: &Lattice) -> f64 {
    grid.points() as f64 * (IMAGE + 2.0 * CODES + MARK)
}

/// Bytes at most for a class whose crop is that of `grid`, besides the codes of both images.
pub(super) fn of_class(grid: &Lattice, by_lesion: bool) -> f64 {
    let lesions = if by_lesion { LESIONS + MASKS + DISTANCES } else { 0.0 };
    grid.points() as f64 * (MASKS + DISTANCES.max(lesions))
}

/// Bytes at most, for any content of the two images.
pub(super) fn at_most(grid: &Lattice, by_lesion: bool) -> f64 {
    let codes = grid.points() as f64 * 2.0 * CODES;
    of_reading(grid).max(codes + of_class(grid, by_lesion))
}
