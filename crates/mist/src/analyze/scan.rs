//! What one pass over the files of a case tells.

use super::ct::CtSamples;
use super::data_dump::case::{self, CaseDump, Samples};
use super::verification::{Check, Checks};
use super::verify::MaskValues;
use crate::preprocess::problem::Problem;
use crate::preprocess::read::{check_grid, read_image};
use crate::text::plural;
use mist_volume::crop::BoundingBox;
use mist_volume::{Geometry, Volume, foreground};
use std::path::{Path, PathBuf};

/// Axes that lean more than this from the world's axes are reported: the tilt is discarded, not resampled.
const OBLIQUE_DEGREES: f64 = 5.0;

/// What to look at.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions<'a> {
    /// Label values that masks may hold.
    pub labels: &'a [i64],
    /// Collect intensities under the mask.
    pub ct: bool,
    /// Read every image, and refuse masks with other values than labels.
    pub verify: bool,
    /// Collect what the data dump tells, which also takes every image.
    pub dump: bool,
}

/// Facts about a usable case.
#[derive(Clone, Debug)]
pub struct CaseFacts {
    /// Grid of the mask, as in its file.
    pub geometry: Geometry,
    /// Foreground of the first image, in the axes of its file.
    pub foreground: BoundingBox,
    /// Voxels of the first image that are not 0, as a fraction of all.
    pub nonzero_fraction: f64,
    /// Intensities of the first image under the mask, where asked for.
    pub ct: Option<CtSamples>,
    /// Labels and intensities, where asked for.
    pub dump: Option<CaseDump>,
    /// What a person should know, though the case is usable.
    pub notes: Vec<String>,
}

/// Reads the mask and the first image of a case once, and the other images too, one at a time, when `verify` or `dump` is set.
/// How its checks came out is added to `checks`.
pub fn scan(
    options: &ScanOptions<'_>,
    images: &[PathBuf],
    mask_file: &Path,
    checks: &mut Checks,
) -> Result<CaseFacts, Problem> {
    let read = read_all(options, images, mask_file);
    let Contents { mask, first, intensities } = checks.note(Check::Voxels, read, |_| all_finite(images.len() + 1))?;
    let mut notes = Vec::new();
    let values = MaskValues::of(mask.voxels(), options.labels);
    if let Some(complaint) = values.complaint(options.labels) {
        if options.verify {
            let problem = Problem::with_file("checking the labels of", mask_file, complaint);
            return checks.note(Check::Labels, Err(problem), |_| String::new());
        }
        notes.push(format!("{complaint}; they become background (--verify leaves such cases out)"));
    }
    checks.note_doubt(Check::Labels, None, "labels only");
    let empty = (!values.has_foreground).then_some("the mask holds no label but background");
    checks.note_doubt(Check::Foreground, empty, "the mask holds labels");
    let tilted = check_orientation(mask.geometry(), checks);
    notes.extend(empty.map(str::to_string).into_iter().chain(tilted));
    let dump = options.dump.then(|| CaseDump {
        file_bytes: images.iter().map(PathBuf::as_path).chain([mask_file]).map(bytes_of).sum(),
        foreground: case::foreground(&mask),
        labels: case::labels(&mask, options.labels),
        intensities,
    });
    let nonzero = first.voxels().iter().filter(|&&value| value != 0.0).count();
    Ok(CaseFacts {
        geometry: *mask.geometry(),
        foreground: foreground::bounding_box(&first),
        nonzero_fraction: nonzero as f64 / first.voxels().len() as f64,
        ct: options.ct.then(|| CtSamples::of_foreground(first.voxels(), mask.voxels(), first.size())),
        dump,
        notes,
    })
}

/// Reads all images of a case that has no mask. Returns what a person should know though the case is usable; how its checks
/// came out is added to `checks`.
pub fn scan_images(images: &[PathBuf], checks: &mut Checks) -> Result<Option<String>, Problem> {
    let read = || {
        let Some((first_file, other_files)) = images.split_first() else {
            return Err(Problem::new("looking for images", "the case has no image"));
        };
        let grid = *read_image(first_file)?.geometry();
        for file in other_files {
            check_grid(&grid, first_file, read_image(file)?.geometry(), file)?;
        }
        Ok(grid)
    };
    let grid = checks.note(Check::Voxels, read(), |_| all_finite(images.len()))?;
    Ok(check_orientation(&grid, checks))
}

fn all_finite(files: usize) -> String {
    format!("all finite in {}", plural(files, "file"))
}

/// Says so where the axes lean.
fn check_orientation(grid: &Geometry, checks: &mut Checks) -> Option<String> {
    let tilt = grid.obliquity();
    let tilted = (tilt > OBLIQUE_DEGREES)
        .then(|| format!("the image is tilted by {tilt:.0} degrees; preprocessing ignores the tilt"));
    checks.note_doubt(Check::Orientation, tilted.as_deref(), format!("tilted by {tilt:.1} degrees"));
    tilted
}

/// What the files of a case hold; of the images after the first, only the samples.
struct Contents {
    mask: Volume<f32>,
    first: Volume<f32>,
    intensities: Vec<Vec<f32>>,
}

fn read_all(options: &ScanOptions<'_>, images: &[PathBuf], mask_file: &Path) -> Result<Contents, Problem> {
    let Some((first_file, other_files)) = images.split_first() else {
        return Err(Problem::new("looking for images", "the case has no image"));
    };
    let mask = read_image(mask_file)?;
    let on_mask = |file: &Path| {
        let image = read_image(file)?;
        check_grid(image.geometry(), file, mask.geometry(), mask_file)?;
        Ok(image)
    };
    let first = on_mask(first_file)?;
    let samples = options.dump.then(|| Samples::of(&mask));
    let mut intensities: Vec<Vec<f32>> = samples.iter().map(|samples| samples.take(&first)).collect();
    if options.verify || options.dump {
        for file in other_files {
            let image = on_mask(file)?;
            intensities.extend(samples.iter().map(|samples| samples.take(&image)));
        }
    }
    Ok(Contents { mask, first, intensities })
}

/// Size of a file that has just been read.
fn bytes_of(file: &Path) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}
