//! Resampling label maps: per class a linear interpolation of its 0/1 volume, then the arg max.
//!
//! The volumes per class are never made. Where all eight neighbours agree, which is nearly everywhere, the result is known;
//! elsewhere only the classes among the neighbours can win, because all others interpolate to exactly 0.

use super::linear::{LinearGrid, in_cell};
use super::positions::Sample;
use super::{anisotropic_step, nearest, regridded, resampled_size};
use crate::geometry::Geometry;
use crate::volume::Volume;
use rayon::prelude::*;

/// Voxel that belongs to no class: all its one-hot channels are 0.
const NO_CLASS: u8 = u8::MAX;
/// Largest number of classes that indices and [`NO_CLASS`] leave room for.
const MOST_CLASSES: usize = NO_CLASS as usize;

/// More labels than a class index of 8 bits can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {count} labels; at most {MOST_CLASSES} are supported")]
pub struct TooManyLabels {
    /// Number of labels given.
    pub count: usize,
}

/// Resamples a mask of label values to the target spacing (mm). The result holds class indices: positions in `labels`, not label
/// values. Values that are not in `labels` belong to no class and become 0 unless a class reaches them.
///
/// # Errors
/// More than 255 labels.
pub fn resample_labels(mask: &Volume<f32>, labels: &[i64], target: [f64; 3]) -> Result<Volume<u8>, TooManyLabels> {
    let classes = class_indices(mask, labels)?;
    let size = resampled_size(mask.size(), mask.geometry().spacing, target);
    Ok(resample(&classes, &regridded(mask.geometry(), target, size)))
}

/// Resamples a map of class indices to the given spacing (mm) and size; origin and direction are kept. Index 255 stands for
/// no class.
pub fn resample_class_indices(classes: &Volume<u8>, spacing: [f64; 3], size: [usize; 3]) -> Volume<u8> {
    resample(classes, &regridded(classes.geometry(), spacing, size))
}

/// Position of every voxel's value in `labels`, the first one that equals it.
fn class_indices(mask: &Volume<f32>, labels: &[i64]) -> Result<Volume<u8>, TooManyLabels> {
    if labels.len() > MOST_CLASSES {
        return Err(TooManyLabels { count: labels.len() });
    }
    let values: Vec<f32> = labels.iter().map(|&label| label as f32).collect();
    let index_of = |value: f32| values.iter().position(|&label| label == value).map_or(NO_CLASS, |index| index as u8);
    // Masks are made of long runs: looking a value up again only when it changes is most of the speed.
    let mut last = (f32::NAN, NO_CLASS);
    Ok(mask.map(|&value| {
        if value != last.0 {
            last = (value, index_of(value));
        }
        last.1
    }))
}

fn resample(classes: &Volume<u8>, output: &Geometry) -> Volume<u8> {
    match anisotropic_step(classes.geometry(), output) {
        Some(step) => linear_arg_max(&nearest::resample(classes, &step, NO_CLASS), output),
        None => linear_arg_max(classes, output),
    }
}

fn linear_arg_max(classes: &Volume<u8>, output: &Geometry) -> Volume<u8> {
    let grid = LinearGrid::new(classes.geometry(), output);
    let mut resampled = Volume::filled(*output, 0_u8);
    let [nx, ny, _] = output.size;
    if nx * ny == 0 {
        return resampled;
    }
    let row = |y: usize, z: usize| {
        let start = classes.offset([0, y, z]);
        &classes.voxels()[start..start + classes.size()[0]]
    };
    resampled.voxels_mut().par_chunks_mut(nx * ny).zip(&grid.z).for_each(|(slab, z)| {
        let Some(z) = z else { return };
        for (values, y) in slab.chunks_exact_mut(nx).zip(&grid.y) {
            let Some(y) = y else { continue };
            let rows = [[row(y.lower, z.lower), row(y.upper, z.lower)], [row(y.lower, z.upper), row(y.upper, z.upper)]];
            arg_max_row(rows, &grid.x, [y.fraction, z.fraction], values);
        }
    });
    resampled
}

/// One output row from the four input rows around it, `rows[z][y]`.
fn arg_max_row(rows: [[&[u8]; 2]; 2], xs: &[Option<Sample>], [y, z]: [f64; 2], values: &mut [u8]) {
    for (value, x) in values.iter_mut().zip(xs) {
        let Some(x) = x else { continue };
        let corners = rows.map(|plane| plane.map(|row| [row[x.lower], row[x.upper]]));
        let first = corners[0][0][0];
        let agree = corners.as_flattened().as_flattened().iter().all(|&class| class == first);
        *value = match agree {
            true if first == NO_CLASS => 0,
            true => first,
            false => arg_max(corners, [x.fraction, y, z]),
        };
    }
}

/// Class with the largest interpolated indicator, the lowest of equal ones; 0 if all are 0.
fn arg_max(corners: [[[u8; 2]; 2]; 2], fractions: [f64; 3]) -> u8 {
    let mut candidates = [0; 8];
    candidates.copy_from_slice(corners.as_flattened().as_flattened());
    candidates.sort_unstable();
    let (mut best, mut best_value) = (0, 0.0);
    let mut previous = NO_CLASS;
    for class in candidates {
        if class == previous || class == NO_CLASS {
            continue;
        }
        previous = class;
        let indicator = corners.map(|plane| plane.map(|row| row.map(|corner| f64::from(u8::from(corner == class)))));
        let value = in_cell(indicator, fractions);
        if value > best_value {
            (best, best_value) = (class, value);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One volume per label, interpolated in full, then the arg max: the definition.
    fn by_definition(mask: &Volume<f32>, labels: &[i64], output: &Geometry) -> Vec<u8> {
        let grid = LinearGrid::new(mask.geometry(), output);
        let mut indices = Vec::new();
        for z in &grid.z {
            for y in &grid.y {
                for x in &grid.x {
                    let value = |label: i64| match (x, y, z) {
                        (Some(x), Some(y), Some(z)) => {
                            let at = |i, j, k| f64::from(u8::from(mask.get([i, j, k]) == Some(&(label as f32))));
                            let corners = [z.lower, z.upper]
                                .map(|k| [y.lower, y.upper].map(|j| [x.lower, x.upper].map(|i| at(i, j, k))));
                            in_cell(corners, [x.fraction, y.fraction, z.fraction])
                        }
                        _ => 0.0,
                    };
                    let values: Vec<f32> = labels.iter().map(|&label| value(label)).collect();
                    let best = (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best });
                    indices.push(best as u8);
                }
            }
        }
        indices
    }

    #[test]
    fn the_streamed_arg_max_is_the_definition() {
        let labels = [0, 4, 2, -1];
        for (spacing, target) in [([1.0, 1.2, 0.8], [0.5, 0.6, 0.4]), ([0.7, 1.1, 1.3], [1.0; 3]), ([1.0; 3], [1.0; 3])]
        {
            let mut geometry = Geometry::axis_aligned([9, 8, 7], spacing);
            geometry.origin = [-31.7, 12.25, 1e3];
            // 5 is no label and vanishes.
            let mask =
                Volume::from_fn(geometry, |[x, y, z]| [0.0, 4.0, 2.0, -1.0, 5.0][(x * x + y * 3 + z * z * y) % 5]);
            let resampled = resample_labels(&mask, &labels, target).unwrap();
            let expected = by_definition(&mask, &labels, resampled.geometry());
            assert_eq!(resampled.voxels(), expected);
            assert!(expected.contains(&3));
        }
    }

    #[test]
    fn at_doubled_resolution_ties_go_to_the_lower_index() {
        let geometry = Geometry::axis_aligned([2, 1, 1], [2.0, 1.0, 1.0]);
        let mask = Volume::new(geometry, vec![7.0, 3.0]).unwrap();
        assert_eq!(resample_labels(&mask, &[0, 3, 7], [1.0; 3]).unwrap().voxels(), [2, 1, 1, 0]);
    }

    #[test]
    fn equal_spacing_only_replaces_values_by_indices() {
        let geometry = Geometry::axis_aligned([4, 1, 1], [1.5, 1.0, 1.0]);
        let mask = Volume::new(geometry, vec![0.0, 4.0, 9.0, 2.0]).unwrap();
        assert_eq!(resample_labels(&mask, &[0, 2, 4], geometry.spacing).unwrap().voxels(), [0, 2, 0, 1]);
    }

    #[test]
    fn too_many_labels_are_refused() {
        let labels: Vec<i64> = (0..256).collect();
        let mask = Volume::filled(Geometry::axis_aligned([1; 3], [1.0; 3]), 0.0);
        assert_eq!(resample_labels(&mask, &labels, [1.0; 3]), Err(TooManyLabels { count: 256 }));
        assert!(resample_labels(&mask, &labels[..255], [1.0; 3]).is_ok());
    }
}
