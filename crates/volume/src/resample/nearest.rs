//! Nearest-neighbour interpolation.

use super::positions::{nearest_sample, positions};
use crate::geometry::Geometry;
use crate::volume::Volume;
use rayon::prelude::*;

/// Puts an image on a grid with the same first voxel and axes: each voxel takes the nearest value (`⌊c + 0.5⌋`), `outside` beyond
/// the border.
pub(super) fn resample<T: Copy + Send + Sync>(volume: &Volume<T>, output: &Geometry, outside: T) -> Volume<T> {
    let input = volume.geometry();
    let [xs, ys, zs] = [0, 1, 2].map(|axis| {
        let samples = positions(input, output, axis).into_iter();
        samples.map(|position| nearest_sample(position, input.size[axis])).collect::<Vec<_>>()
    });
    let mut resampled = Volume::filled(*output, outside);
    let [nx, ny, _] = output.size;
    if nx * ny == 0 {
        return resampled;
    }
    resampled.voxels_mut().par_chunks_mut(nx * ny).zip(&zs).for_each(|(slab, &z)| {
        let Some(z) = z else { return };
        for (row, &y) in slab.chunks_exact_mut(nx).zip(&ys) {
            let Some(y) = y else { continue };
            let start = volume.offset([0, y, z]);
            let source = &volume.voxels()[start..start + input.size[0]];
            for (value, &x) in row.iter_mut().zip(&xs) {
                if let Some(x) = x {
                    *value = source[x];
                }
            }
        }
    });
    resampled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_repeated_and_end_in_the_outside_value() {
        let input = Geometry::axis_aligned([1, 1, 3], [1.0, 1.0, 4.0]);
        let volume = Volume::new(input, vec![7_u8, 8, 9]).unwrap();
        let output = Geometry { size: [1, 1, 12], spacing: [1.0; 3], ..input };
        let resampled = resample(&volume, &output, 0);
        assert_eq!(resampled.voxels(), [7, 7, 8, 8, 8, 8, 9, 9, 9, 9, 0, 0]);
        assert_eq!(resampled.geometry(), &output);
    }
}
