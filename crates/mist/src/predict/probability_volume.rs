//! Writing the probabilities of a case on the grid of its scan: one class at a time is in memory.

use super::probabilities::Probabilities;
use super::restore::{Original, probability_map};
use super::targets::ProbabilityMaps;
use super::unpredicted::{Unpredicted, written};
use crate::error::Result;
use mist_volume::{Volume, nifti};
use rayon::prelude::*;
use std::path::Path;

/// Writes `[x][y][z][class]` as a vector image. `spacing` (mm) is that of the network's grid.
pub fn write(
    file: &Path,
    probabilities: &Probabilities,
    spacing: [f64; 3],
    original: &Original,
    maps: ProbabilityMaps,
) -> Result<(), Unpredicted> {
    let restored = |class| probability_map(&probabilities.class(class, spacing)?, original);
    let count = probabilities.classes();
    let geometry = *original.geometry;
    let next: Box<dyn Fn(usize) -> Result<Volume<f32>>> = match maps {
        ProbabilityMaps::Reference => Box::new(restored),
        ProbabilityMaps::Normalized => {
            let mut sums = vec![0.0_f32; geometry.voxel_count()];
            for class in 0..count {
                let map = restored(class)?;
                sums.par_iter_mut().zip(map.voxels()).for_each(|(sum, value)| *sum += value.clamp(0.0, 1.0));
            }
            Box::new(move |class| {
                let mut map = restored(class)?;
                map.voxels_mut().par_iter_mut().zip(&sums).for_each(|(value, sum)| {
                    let background = if class == 0 { 1.0 } else { 0.0 };
                    *value = if *sum > 0.0 { value.clamp(0.0, 1.0) / sum } else { background };
                });
                Ok(map)
            })
        }
    };
    written(nifti::write_vector_with(file, &geometry, count, |class| {
        next(class).map(|map| map.into_parts().1).map_err(std::io::Error::other)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::ChannelsLast;
    use mist_volume::Geometry;
    use mist_volume::crop::BoundingBox;

    #[test]
    fn normalized_maps_sum_to_one_and_are_background_outside_the_box() {
        let geometry = Geometry::axis_aligned([9, 4, 5], [1.0; 3]);
        let bounding_box = BoundingBox { start: [1, 0, 0], end: [6, 3, 4], original_size: geometry.size };
        let original = Original { geometry: &geometry, bounding_box: Some(&bounding_box), untouched: false };
        // Half the resolution, and steps that a spline overshoots.
        let size = [3, 2, 3];
        let values = (0..18).flat_map(|at| if at % 3 == 0 { [0.0, 1.0, 0.0] } else { [0.9, 0.0, 0.1] }).collect();
        let mut probabilities = Probabilities::in_memory(size, 3).unwrap();
        probabilities.add(ChannelsLast::new(size, 3, values).unwrap(), 0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("map.nii.gz");
        let maps = |maps| {
            write(&file, &probabilities, [2.0, 2.0, 5.0 / 3.0], &original, maps).ok().unwrap();
            nifti::read_vector(&file).unwrap()
        };
        let reference = maps(ProbabilityMaps::Reference);
        assert!(reference.iter().flat_map(|map| map.voxels()).any(|value| !(0.0..=1.0).contains(value)));
        let normalized = maps(ProbabilityMaps::Normalized);
        for at in 0..geometry.voxel_count() {
            let voxel = [0, 1, 2].map(|class: usize| normalized[class].voxels()[at]);
            assert!(voxel.iter().all(|value| (0.0..=1.0).contains(value)));
            assert!((voxel.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            if at % 9 == 0 || at % 9 > 6 {
                assert_eq!(voxel, [1.0, 0.0, 0.0]);
            }
        }
    }
}
