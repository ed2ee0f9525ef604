//! What preprocessing will take, said before it begins.

use super::budget;
use super::inputs::TrainingFiles;
use super::read::read_geometry;
use super::settings::Settings;
use crate::console::Console;
use crate::error::Result;
use crate::memory::{Allowance, readable};
use crate::parallel;
use crate::text::plural;
use mist_volume::Geometry;
use mist_volume::orientation::standard_geometry;
use mist_volume::resample::resampled_size;

/// Bytes per voxel of a file while one of its images is in work: the image as read, turned, and its spline coefficients.
const BYTES_PER_INPUT_VOXEL: f64 = 16.0;
/// Bytes per voxel and channel of the result.
const BYTES_PER_VALUE: f64 = 4.0;
/// Images of the result's size that are held beside the result: the channel at hand.
const EXTRA_CHANNELS: f64 = 1.0;

/// Estimates for a run, in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Size of all arrays.
    pub disk: f64,
    /// Memory for each case while it is in work.
    pub memory: Vec<f64>,
}

impl Forecast {
    /// Reads a header of each case. Cases whose header cannot be read, or that would not fit into the memory,
    /// count nothing; they will be reported when their turn comes.
    pub fn of(settings: &Settings, cases: &[TrainingFiles], workers: usize) -> Result<Self> {
        let geometries =
            parallel::map(cases, workers, |case| Ok(case.images.first().and_then(|file| read_geometry(file).ok())))?;
        let mut forecast = Self::default();
        for (case, geometry) in cases.iter().zip(geometries) {
            forecast.memory.push(0.0);
            let Some(geometry) = geometry else { continue };
            let prepared = prepared_geometry(settings, &geometry, case);
            // Refused when its turn comes; it must not take workers and disk from the others until then.
            let target = settings.target_spacing;
            let values = settings.values_per_voxel(case.images.len());
            let refused = budget::refusal(&prepared, target, values, settings.memory).is_some();
            if refused && !settings.skip {
                continue;
            }
            let size =
                if settings.skip { prepared.size } else { resampled_size(prepared.size, prepared.spacing, target) };
            let voxels: f64 = size.into_iter().map(|n| n as f64).product();
            let channels = case.images.len() as f64;
            let maps = settings.distance_maps.map_or(0.0, |_| settings.labels.len() as f64);
            // One byte for the label.
            forecast.disk += voxels * (BYTES_PER_VALUE * (channels + maps) + 1.0);
            let memory = BYTES_PER_INPUT_VOXEL * geometry.voxel_count() as f64
                + BYTES_PER_VALUE * (channels + maps + EXTRA_CHANNELS) * voxels;
            let resampling = if settings.skip { 0.0 } else { budget::bytes_needed(&prepared, target, values) };
            if let Some(of_case) = forecast.memory.last_mut() {
                *of_case = memory.max(resampling);
            }
        }
        Ok(forecast)
    }

    /// Says what the run will take.
    pub fn tell(&self, memory: Allowance, console: &dyn Console) {
        console.info(&format!(
            "{}, about {} of arrays and at most {} of memory for a case in work",
            plural(self.memory.len(), "case"),
            readable(self.disk),
            readable(self.most_memory())
        ));
        if memory.bytes().is_some_and(|available| self.most_memory() > available) {
            console.warn(&format!("the largest case may need more, and {memory}; it is worked on alone"));
        }
    }

    fn most_memory(&self) -> f64 {
        self.memory.iter().copied().fold(0.0, f64::max)
    }
}

/// The grid of the images of a case before they are resampled.
fn prepared_geometry(settings: &Settings, geometry: &Geometry, case: &TrainingFiles) -> Geometry {
    if settings.skip {
        return *geometry;
    }
    let size = match &case.bounding_box {
        Some(bounding_box) if settings.crop => bounding_box.size(),
        _ => geometry.size,
    };
    standard_geometry(&Geometry { size, ..*geometry })
}

#[cfg(test)]
mod tests {
    use super::super::normalize::Normalization;
    use super::*;
    use mist_volume::crop::BoundingBox;
    use mist_volume::{Volume, nifti};

    #[test]
    fn arrays_are_forecast_from_headers() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("scan.nii.gz");
        let geometry = Geometry::axis_aligned([20, 10, 10], [1.0, 1.0, 2.0]);
        nifti::write(&image, &Volume::filled(geometry, 1.0_f32)).unwrap();
        let case = |image: std::path::PathBuf| TrainingFiles {
            id: "a".to_string(),
            images: vec![image; 2],
            mask: folder.path().join("mask.nii.gz"),
            bounding_box: Some(BoundingBox { start: [0; 3], end: [9, 9, 9], original_size: [20, 10, 10] }),
        };
        let cases = [case(image), case(folder.path().join("missing.nii.gz"))];
        let mut settings = Settings {
            skip: false,
            crop: true,
            target_spacing: [1.0, 1.0, 1.0],
            labels: vec![0, 1],
            normalization: Normalization { ct: None, nonzero: false },
            distance_maps: None,
            memory: crate::memory::Allowance::Unknown,
        };
        let cropped = Forecast::of(&settings, &cases, 1).unwrap();
        assert_eq!(cropped.disk, 2000.0 * 9.0, "10 x 10 x 20 voxels, two channels and a label");
        assert_eq!(cropped.memory.len(), 2);
        assert!(cropped.memory[0] > cropped.disk && cropped.memory[1] == 0.0, "{:?}", cropped.memory);
        settings.crop = false;
        assert_eq!(Forecast::of(&settings, &cases, 1).unwrap().disk, 2.0 * cropped.disk);
        settings.distance_maps = Some(super::super::settings::DistanceMaps { normalized: true });
        assert_eq!(Forecast::of(&settings, &cases, 1).unwrap().disk, 2.0 * cropped.disk + 4000.0 * 8.0);
        settings.distance_maps = None;
        settings.skip = true;
        assert_eq!(Forecast::of(&settings, &cases, 1).unwrap().disk, cropped.disk, "20 x 10 x 10 voxels");
    }
}
