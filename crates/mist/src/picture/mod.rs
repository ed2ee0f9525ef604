//! Pictures of segmentations for people: three planes of a scan, with the outlines of the truth and of the prediction.
//!
//! The planes are shown as radiologists look at them: axial from below, coronal from the front (the patient's left is
//! on the right side of the picture), sagittal from the left with the face to the left.

mod canvas;
mod plane;

use crate::error::{Error, Result};
use crate::files::write_atomically;
use canvas::Canvas;
use mist_volume::{Volume, nifti, orientation, percentile};
use plane::{PLANES, Plane};
use std::path::Path;

/// Colour of the outline of the truth, red green blue. Told from the other one without seeing red or green.
pub const TRUTH: [u8; 3] = [0, 220, 90];
/// Colour of the outline of the prediction.
pub const PREDICTION: [u8; 3] = [255, 60, 255];

/// Colour where the two coincide.
pub const BOTH: [u8; 3] = [255, 255, 255];

/// Space between the planes, in pixels.
const GAP: usize = 12;
/// Darkest and brightest shade are these percentiles of the scan, so that a few bright voxels do not darken the rest.
const WINDOW: [f64; 2] = [1.0, 99.0];

/// A scan with two label maps on its grid, axes along left, posterior and superior.
pub struct Scene {
    image: Volume<f32>,
    truth: Volume<f32>,
    prediction: Volume<f32>,
    /// Intensities shown black and white, where they are known.
    window: Option<[f32; 2]>,
}

/// Where the planes are cut, along each axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Where the truth covers most; the middle where it covers nothing.
    Truth,
    /// Where truth and prediction differ most; as [`Cut::Truth`] where they do not.
    Error,
}

impl Scene {
    /// Reads the three files; they must have the same size.
    pub fn read(image: &Path, truth: &Path, prediction: &Path) -> Result<Self> {
        let read = |path: &Path| match nifti::read(path) {
            Ok(volume) => Ok(orientation::to_standard(&volume)),
            Err(error) => Err(Error::new("cannot read the image").at(path).because(error.problem)),
        };
        let scene = Self { image: read(image)?, truth: read(truth)?, prediction: read(prediction)?, window: None };
        for (labels, path) in [(&scene.truth, truth), (&scene.prediction, prediction)] {
            if labels.size() != scene.image.size() {
                let (found, expected) = (labels.size(), scene.image.size());
                let why = format!("its size is {found:?}, that of the scan {expected:?}");
                return Err(Error::new("cannot draw the label map").at(path).because(why));
            }
        }
        Ok(scene)
    }

    /// Shows the darker of two intensities black and the other white; without this, percentiles of the scan.
    pub fn with_window(self, window: Option<[f32; 2]>) -> Self {
        Self { window, ..self }
    }

    /// PNG files of the axial, coronal and sagittal plane.
    pub fn pictures(&self, cut: Cut) -> Result<Vec<Vec<u8>>> {
        let draw = |plane: &Plane| {
            let mut canvas = Canvas::new(plane.width(), plane.height());
            plane.draw(&mut canvas, [0, 0]);
            canvas.to_png().map_err(|error| Error::new("cannot encode the picture").because(error))
        };
        self.planes(cut).iter().map(draw).collect()
    }

    fn planes(&self, cut: Cut) -> Vec<Plane> {
        let window = self.window.unwrap_or_else(|| {
            let mut scratch = self.image.voxels().to_vec();
            WINDOW.map(|percent| percentile::percentile_f32(&mut scratch, percent).unwrap_or(0.0))
        });
        let (truth, prediction) = (self.truth.voxels(), self.prediction.voxels());
        let errors = cut == Cut::Error && truth != prediction;
        let counts = |voxel: usize| if errors { truth[voxel] != prediction[voxel] } else { truth[voxel] != 0.0 };
        PLANES
            .iter()
            .map(|axes| {
                let depth = largest_slice(self.truth.size(), axes.through(), counts);
                Plane::cut(*axes, depth, &self.image, window, &self.truth, &self.prediction)
            })
            .collect()
    }
}

/// The slice across `axis` in which most voxels count; the middle one if none does.
fn largest_slice(size: [usize; 3], axis: usize, counts: impl Fn(usize) -> bool) -> usize {
    let mut counted = vec![0_usize; size[axis]];
    for voxel in (0..size.iter().product()).filter(|voxel| counts(*voxel)) {
        let index = [voxel % size[0], voxel / size[0] % size[1], voxel / (size[0] * size[1])];
        counted[index[axis]] += 1;
    }
    let most = counted.iter().copied().max().unwrap_or(0);
    if most == 0 { size[axis] / 2 } else { counted.iter().position(|count| *count == most).unwrap_or(0) }
}

/// Writes a PNG with one row per scene: axial, coronal and sagittal plane, each where the truth is largest.
pub fn write(path: &Path, scenes: &[Scene]) -> Result<()> {
    let rows: Vec<Vec<Plane>> = scenes.iter().map(|scene| scene.planes(Cut::Truth)).collect();
    let row_width = |row: &Vec<Plane>| row.iter().map(|plane| plane.width() + GAP).sum::<usize>() + GAP;
    let row_height = |row: &Vec<Plane>| row.iter().map(Plane::height).max().unwrap_or(0) + GAP;
    let width = rows.iter().map(row_width).max().unwrap_or(GAP);
    let mut canvas = Canvas::new(width, rows.iter().map(row_height).sum::<usize>() + GAP);
    let mut top = GAP;
    for row in &rows {
        let mut left = GAP;
        for plane in row {
            plane.draw(&mut canvas, [left, top]);
            left += plane.width() + GAP;
        }
        top += row_height(row);
    }
    let encoded = canvas.to_png().map_err(|error| Error::new("cannot encode the picture").at(path).because(error))?;
    write_atomically(path, &encoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mist_volume::Geometry;

    fn scene(truth: impl FnMut([usize; 3]) -> f32, prediction: impl FnMut([usize; 3]) -> f32) -> Scene {
        let grid = Geometry::axis_aligned([10, 8, 6], [1.0, 1.0, 2.0]);
        let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
        let (truth, prediction) = (Volume::from_fn(grid, truth), Volume::from_fn(grid, prediction));
        Scene { image, truth, prediction, window: None }
    }

    fn decoded(scenes: &[Scene]) -> (u32, u32, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        write(&path, scenes).unwrap();
        pixels(&std::fs::read(&path).unwrap())
    }

    fn pixels(picture: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        (frame.width, frame.height, pixels)
    }

    fn count(pixels: &[u8], colour: [u8; 3]) -> usize {
        pixels.chunks_exact(3).filter(|pixel| **pixel == colour).count()
    }

    #[test]
    fn outlines_tell_truth_prediction_and_agreement_apart() {
        let block = |from: usize| {
            move |[x, y, z]: [usize; 3]| f32::from(u8::from((from..7).contains(&x) && (2..6).contains(&y) && z > 2))
        };
        let (_, _, same) = decoded(&[scene(block(3), block(3))]);
        assert_eq!(count(&same, TRUTH) + count(&same, PREDICTION), 0);
        let (_, _, different) = decoded(&[scene(block(3), block(4))]);
        assert!(count(&different, TRUTH) > 50 && count(&different, PREDICTION) > 50);
        assert!(count(&different, BOTH) > count(&decoded(&[scene(block(3), |_| 0.0)]).2, BOTH));
    }

    #[test]
    fn planes_are_cut_where_most_of_what_is_looked_for_lies() {
        let truth = |voxel: usize| [1, 4, 5].contains(&voxel);
        // 2 x 2 x 2 voxels: 1 is (1, 0, 0), 4 is (0, 0, 1), 5 is (1, 0, 1).
        assert_eq!([0, 1, 2].map(|axis| largest_slice([2; 3], axis, truth)), [1, 0, 1]);
        assert_eq!(largest_slice([4, 1, 1], 0, |_| false), 2);
        let block = |from: usize| {
            move |[x, y, z]: [usize; 3]| f32::from(u8::from((from..7).contains(&x) && (2..6).contains(&y) && z > 2))
        };
        let outlines = |cut, colour| {
            let pictures =
                scene(block(3), |index| if index == [0, 7, 0] { 1.0 } else { block(3)(index) }).pictures(cut);
            pictures.unwrap().iter().map(|picture| count(&pixels(picture).2, colour)).sum::<usize>()
        };
        assert_eq!(outlines(Cut::Truth, PREDICTION), 0);
        assert!(outlines(Cut::Error, PREDICTION) > 0);
    }

    #[test]
    fn nothing_is_outlined_where_nothing_is_labelled() {
        let (_, _, pixels) = decoded(&[scene(|_| 0.0, |_| 0.0)]);
        assert_eq!(count(&pixels, TRUTH) + count(&pixels, PREDICTION), 0);
    }

    #[test]
    fn planes_have_the_proportions_of_the_patient() {
        let (width, height, _) = decoded(&[scene(|_| 0.0, |_| 0.0), scene(|_| 0.0, |_| 0.0)]);
        // Axial 10 x 8 mm, coronal 10 x 12 mm, sagittal 8 x 12 mm, six pixels per millimetre; two rows.
        assert_eq!(width as usize, (10 + 10 + 8) * 6 + 4 * GAP);
        assert_eq!(height as usize, 2 * 12 * 6 + 3 * GAP);
    }
}
