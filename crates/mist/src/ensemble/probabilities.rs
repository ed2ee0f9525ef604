//! Probabilities of one case, averaged.

use crate::preprocess::problem::Problem;
use crate::preprocess::read::check_grid;
use mist_volume::{Geometry, Volume, nifti};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// The label of the most probable class of the mean, the lowest of equal ones, on the grid of the first file. Class `i` is
/// `labels[i]`; one without a label is background.
pub fn join(files: &[PathBuf], classes: usize, labels: &[i64]) -> Result<Volume<u8>, Problem> {
    let labels: Vec<u8> = labels.iter().map(|label| u8::try_from(*label)).collect::<Result<_, _>>().map_err(|_| {
        Problem::new("looking up labels", format!("label maps hold 0 to 255, and the labels are {labels:?}"))
    })?;
    let Some(first) = files.first() else {
        return Err(Problem::new("looking for probabilities", "there are none"));
    };
    let mut sum: Option<(Geometry, Vec<Vec<f64>>)> = None;
    for file in files {
        let maps = read(file, classes)?;
        let (geometry, sums) = sum.get_or_insert_with(|| {
            let geometry = *maps[0].geometry();
            (geometry, vec![vec![0.0; geometry.voxel_count()]; classes])
        });
        check_grid(geometry, first, maps[0].geometry(), file)?;
        for (sums, map) in sums.iter_mut().zip(&maps) {
            sums.par_iter_mut().zip(map.voxels()).for_each(|(sum, value)| *sum += f64::from(*value));
        }
    }
    let Some((geometry, sums)) = sum else { return Err(Problem::new("averaging", "there is nothing to average")) };
    let count = files.len() as f64;
    let voxels = (0..geometry.voxel_count()).into_par_iter().map(|at| {
        let mut best = (0, f32::NEG_INFINITY);
        for (class, sums) in sums.iter().enumerate() {
            // Compared in single precision, as they would stand in a file.
            let mean = (sums[at] / count) as f32;
            if mean > best.1 {
                best = (class, mean);
            }
        }
        labels.get(best.0).copied().unwrap_or(0)
    });
    Volume::new(geometry, voxels.collect()).map_err(|error| Problem::new("averaging", error))
}

/// The classes of a file, as many as there must be.
fn read(file: &Path, classes: usize) -> Result<Vec<Volume<f32>>, Problem> {
    let maps = nifti::read_vector(file).map_err(|error| Problem::with_file("reading", file, error.problem))?;
    match maps.len() == classes {
        true => Ok(maps),
        false => Err(Problem::with_file(
            "reading",
            file,
            format!("it holds {} values per voxel, and the configuration has {classes} classes", maps.len()),
        )),
    }
}
