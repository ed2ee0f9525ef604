//! A synthetic data set: two channels of a body with organs and a lesion, on thick slices, with texture, noise and a
//! bias field. Everything follows from the case number, so that the data are the same on every machine.

use crate::error::{Error, Result};
use crate::files::{create_folder, write_atomically};
use crate::json;
use mist_nn::random::{Place, Purpose, Stream};
use mist_volume::{Geometry, Volume, nifti};
use serde_json::json;
use std::path::Path;

const TRAINING_CASES: usize = 12;
const TEST_CASES: usize = 3;
const SEED: u64 = 2026;

/// Voxels, and mm between them: slices three times as thick as pixels are wide.
const SIZE: [usize; 3] = [56, 48, 16];
const SPACING: [f64; 3] = [1.0, 1.0, 3.0];

const BACKGROUND: u8 = 0;
const LIVER: u8 = 1;
const KIDNEYS: u8 = 2;
const LESION: u8 = 3;

/// Signal of muscle, liver, kidneys, lesion in the two channels, before texture, bias and noise. A lesion is hard to
/// see in the first channel, the liver in the second.
const SIGNAL: [[f64; 4]; 2] = [[450.0, 640.0, 540.0, 560.0], [400.0, 360.0, 740.0, 860.0]];
const CHANNELS: [&str; 2] = ["t1", "t2"];

/// Amplitude of the texture inside tissue, and standard deviation of the noise everywhere.
const TEXTURE: f64 = 35.0;
const NOISE: f64 = 25.0;

/// Writes `train`, `test`, the true masks of the test cases in `truth`, and `dataset.json`.
pub(super) fn write(folder: &Path) -> Result<()> {
    for number in 0..TRAINING_CASES + TEST_CASES {
        let (split, id) = match number.checked_sub(TRAINING_CASES) {
            None => ("train", format!("case_{number:02}")),
            Some(number) => ("test", format!("test_{number:02}")),
        };
        let case_folder = folder.join(split).join(&id);
        create_folder(&case_folder)?;
        let case = Case::draw(number as u32);
        for (channel, name) in CHANNELS.iter().enumerate() {
            save(&case_folder.join(format!("{name}.nii.gz")), &case.image(channel))?;
        }
        let mask = if split == "train" { case_folder.join("mask.nii.gz") } else { truth_file(folder, &id)? };
        save(&mask, &case.labels)?;
    }
    let description = json!({
        "task": "synthetic",
        "modality": "mr",
        "train-data": "train",
        "test-data": "test",
        "mask": ["mask.nii.gz"],
        "images": {"t1": ["t1.nii.gz"], "t2": ["t2.nii.gz"]},
        "labels": [BACKGROUND, LIVER, KIDNEYS, LESION],
        "final_classes": {"liver": [LIVER, LESION], "kidneys": [KIDNEYS], "lesion": [LESION]},
    });
    write_atomically(&folder.join("dataset.json"), json::to_text(&description).as_bytes())
}

fn truth_file(folder: &Path, id: &str) -> Result<std::path::PathBuf> {
    let truth = folder.join("truth");
    create_folder(&truth)?;
    Ok(truth.join(format!("{id}.nii.gz")))
}

fn save<T: nifti::Voxel>(path: &Path, volume: &Volume<T>) -> Result<()> {
    nifti::write(path, volume).map_err(|error| Error::new("cannot write the scan").at(path).because(error.problem))
}

/// The anatomy of one case and what distorts its images.
struct Case {
    labels: Volume<u8>,
    body: Ellipsoid,
    number: u32,
}

/// Half axes in mm around a centre in mm from the middle of the image.
#[derive(Clone, Copy)]
struct Ellipsoid {
    centre: [f64; 3],
    radii: [f64; 3],
}

impl Ellipsoid {
    /// Shifted by up to 2 mm and scaled by up to 12 %.
    fn drawn(stream: &mut Stream, centre: [f64; 3], radii: [f64; 3]) -> Self {
        Self {
            centre: centre.map(|mm| mm + stream.uniform_in(-2.0, 2.0)),
            radii: radii.map(|mm| mm * stream.uniform_in(0.88, 1.12)),
        }
    }

    /// 1 on the surface, less inside.
    fn level(&self, point: [f64; 3]) -> f64 {
        (0..3).map(|axis| ((point[axis] - self.centre[axis]) / self.radii[axis]).powi(2)).sum::<f64>().sqrt()
    }
}

/// A smooth random function around 0, of size about 1: a few plane waves.
struct Waves(Vec<([f64; 3], f64)>);

impl Waves {
    /// Wavelengths in mm.
    fn drawn(stream: &mut Stream, shortest: f64, longest: f64) -> Self {
        let wave = |_| {
            let direction = [stream.normal(), stream.normal(), stream.normal()];
            let length = direction.iter().map(|part| part * part).sum::<f64>().sqrt().max(1e-6);
            let frequency = std::f64::consts::TAU / stream.uniform_in(shortest, longest);
            (direction.map(|part| part / length * frequency), stream.uniform_in(0.0, std::f64::consts::TAU))
        };
        Self((0..8).map(wave).collect())
    }

    fn at(&self, point: [f64; 3]) -> f64 {
        let phase = |wave: &[f64; 3]| (0..3).map(|axis| wave[axis] * point[axis]).sum::<f64>();
        self.0.iter().map(|(wave, shift)| (phase(wave) + shift).cos()).sum::<f64>() / (self.0.len() as f64 / 2.0).sqrt()
    }
}

impl Case {
    fn draw(number: u32) -> Self {
        let mut stream = stream(number, 0);
        let body = Ellipsoid::drawn(&mut stream, [0.0; 3], [24.0, 20.0, 30.0]);
        let liver = Ellipsoid::drawn(&mut stream, [-7.0, -4.0, 0.0], [10.5, 8.5, 14.0]);
        let kidneys = [-10.0, 10.0].map(|x| Ellipsoid::drawn(&mut stream, [x, 10.5, -2.0], [4.5, 4.0, 9.0]));
        let radius = stream.uniform_in(3.5, 5.0);
        let lesion = Ellipsoid::drawn(&mut stream, liver.centre, [radius, radius, radius * 1.3]);
        let surface = Waves::drawn(&mut stream, 12.0, 30.0);
        let labels = Volume::from_fn(grid(), |index| {
            let point = millimetres(index);
            let bumps = 1.0 + 0.06 * surface.at(point);
            if lesion.level(point) < bumps {
                LESION
            } else if liver.level(point) < bumps {
                LIVER
            } else if kidneys.iter().any(|kidney| kidney.level(point) < bumps) {
                KIDNEYS
            } else {
                BACKGROUND
            }
        });
        Self { labels, body, number }
    }

    /// The scan of one channel, in arbitrary units as of an MR scanner.
    fn image(&self, channel: usize) -> Volume<i16> {
        let mut stream = stream(self.number, 1 + channel as u32);
        let texture = Waves::drawn(&mut stream, 4.0, 12.0);
        let bias = Waves::drawn(&mut stream, 60.0, 120.0);
        Volume::from_fn(grid(), |index| {
            let point = millimetres(index);
            let label = self.labels.get(index).copied().unwrap_or(BACKGROUND);
            let inside = label != BACKGROUND || self.body.level(point) < 1.0;
            let tissue = if inside { SIGNAL[channel][usize::from(label)] + TEXTURE * texture.at(point) } else { 0.0 };
            let signal = tissue * (0.2 * bias.at(point)).exp();
            // The magnitude of a complex signal, as scanners make it: noise in air is positive (Rician).
            let (real, imaginary) = (signal + NOISE * stream.normal(), NOISE * stream.normal());
            real.hypot(imaginary).round() as i16
        })
    }
}

fn grid() -> Geometry {
    let origin = [0, 1, 2].map(|axis| -SPACING[axis] * (SIZE[axis] - 1) as f64 / 2.0);
    Geometry { origin, ..Geometry::axis_aligned(SIZE, SPACING) }
}

fn millimetres(index: [usize; 3]) -> [f64; 3] {
    [0, 1, 2].map(|axis| (index[axis] as f64 - (SIZE[axis] - 1) as f64 / 2.0) * SPACING[axis])
}

/// Independent numbers for the anatomy (0) and each channel (1, 2) of a case.
fn stream(number: u32, part: u32) -> Stream {
    Stream::new(SEED, Purpose::Synthesis, Place { sample: number, step: part, ..Place::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_every_label_and_the_channels_show_them() {
        for number in 0..(TRAINING_CASES + TEST_CASES) as u32 {
            let case = Case::draw(number);
            let images = [case.image(0), case.image(1)];
            let mean = |image: &Volume<i16>, label: u8| {
                let values = image.voxels().iter().zip(case.labels.voxels()).filter(|(_, found)| **found == label);
                let values: Vec<f64> = values.map(|(value, _)| f64::from(*value)).collect();
                assert!(values.len() > 30, "case {number} has {} voxels of label {label}", values.len());
                values.iter().sum::<f64>() / values.len() as f64
            };
            assert!(mean(&images[1], LESION) > mean(&images[1], LIVER) + 200.0);
            assert!(mean(&images[1], KIDNEYS) > mean(&images[1], LIVER) + 100.0);
        }
    }

    #[test]
    fn cases_differ_and_repeat() {
        assert_ne!(Case::draw(0).labels, Case::draw(1).labels);
        assert_eq!(Case::draw(3).image(1), Case::draw(3).image(1));
    }

    #[test]
    fn the_data_set_is_one_that_analysis_reads() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        assert!(folder.path().join("train/case_11/mask.nii.gz").is_file());
        assert!(!folder.path().join("test/test_00/mask.nii.gz").exists());
        assert!(folder.path().join("truth/test_02.nii.gz").is_file());
        let header = nifti::read_header(&folder.path().join("train/case_00/t2.nii.gz")).unwrap();
        assert_eq!(header.geometry().spacing, SPACING);
    }
}
