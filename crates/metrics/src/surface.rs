//! The surfaces of two masks and the distances between them.
//!
//! A surface is made of elements at voxel corners, each with the area of the piece of a marching-cubes triangulation
//! around it. Distances go from corner to corner.

pub mod areas;
mod elements;

use crate::summation;
use elements::SurfaceElements;
use mist_volume::distance::{Lattice, nearest_distances};
use rayon::prelude::*;

/// Distances from every element of one surface to the other surface, ascending, with the areas of the elements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DirectedDistances {
    distances: Vec<f64>,
    areas: Vec<f64>,
}

impl DirectedDistances {
    /// Sorted by distance, then area: the order fixes the rounding of sums.
    fn new(distances: Vec<f64>, areas: Vec<f64>) -> Self {
        let mut elements: Vec<(f64, f64)> = distances.into_iter().zip(areas).collect();
        elements.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (distances, areas) = elements.into_iter().unzip();
        Self { distances, areas }
    }

    /// Distance in mm of each element to the nearest element of the other surface, ascending.
    pub fn distances(&self) -> &[f64] {
        &self.distances
    }

    /// Area in mm² of each element, in the order of [`distances`](Self::distances).
    pub fn areas(&self) -> &[f64] {
        &self.areas
    }

    /// Area of the whole surface in mm².
    pub fn area(&self) -> f64 {
        summation::pairwise(&self.areas)
    }

    /// Area in mm² of the part that is within `tolerance` mm of the other surface.
    pub fn area_within(&self, tolerance: f64) -> f64 {
        let within = self.distances.partition_point(|&distance| distance <= tolerance);
        summation::pairwise(&self.areas[..within])
    }

    /// Integral of the distance over the surface, in mm³.
    pub fn integral(&self) -> f64 {
        let products: Vec<f64> =
            self.distances.iter().zip(&self.areas).map(|(distance, area)| distance * area).collect();
        summation::pairwise(&products)
    }

    /// The distance in mm below which the given fraction of the area lies: that of the first element at which the
    /// cumulative area reaches the fraction. Always a distance that occurs. `None` without elements.
    pub fn percentile(&self, fraction: f64) -> Option<f64> {
        let total = self.area();
        let mut cumulative = 0.0;
        for (distance, area) in self.distances.iter().zip(&self.areas) {
            cumulative += area;
            if cumulative / total >= fraction {
                return Some(*distance);
            }
        }
        self.distances.last().copied()
    }
}

/// Distances in both directions between the surfaces of a truth and a prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceDistances {
    /// From the elements of the truth to the prediction.
    pub truth: DirectedDistances,
    /// From the elements of the prediction to the truth.
    pub prediction: DirectedDistances,
}

impl SurfaceDistances {
    /// Surfaces of two masks (x fastest) on `grid`, whose voxel corners are `corners`. Voxels outside are background.
    /// Costs one distance transform per mask. When one surface is empty, the distances to it are infinite.
    pub(crate) fn between(truth: &[bool], prediction: &[bool], grid: &Lattice, corners: &Lattice) -> Self {
        let areas = areas::of_codes(grid.spacing());
        let (truth, prediction) = rayon::join(
            || SurfaceElements::of(truth, grid.size(), &areas),
            || SurfaceElements::of(prediction, grid.size(), &areas),
        );
        let directed = |from: &SurfaceElements, to: &SurfaceElements| {
            let mut sites = vec![false; corners.points()];
            for &corner in &to.corners {
                sites[corner] = true;
            }
            // The corners of the elements were counted on this very lattice, so nothing is out of range.
            let distances = nearest_distances(&sites, corners, &from.corners)
                .unwrap_or_else(|_| vec![f64::INFINITY; from.corners.len()]);
            DirectedDistances::new(distances, from.areas.clone())
        };
        // One after the other: each uses all threads, and a transform takes much memory.
        Self { truth: directed(&truth, &prediction), prediction: directed(&prediction, &truth) }
    }
}
