//! From the network's grid back to the grid of the original scan.

use crate::error::{Error, Result};
use mist_volume::crop::{BoundingBox, uncrop};
use mist_volume::orientation::from_standard;
use mist_volume::resample::{resample_class_indices, resample_probabilities};
use mist_volume::{Geometry, Volume};

/// Where a prediction came from.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    /// Grid of the first channel's file.
    pub geometry: &'a Geometry,
    /// The part of it that was kept, in the file's own axes; `None` if nothing was cut.
    pub bounding_box: Option<&'a BoundingBox>,
    /// True if the image was taken as it is, without turning and resampling (`preprocessing.skip`).
    pub untouched: bool,
}

/// Label map on the original grid. `classes` holds class indices in the standard frame with the target spacing; index
/// `i` becomes `labels[i]`, an index without a label 0.
///
/// # Errors
/// A box or size that does not fit the original, or a label outside 0 to 255.
pub fn label_map(classes: &Volume<u8>, original: &Original, labels: &[i64]) -> Result<Volume<u8>> {
    let labels = labels.iter().map(|label| u8::try_from(*label)).collect::<Result<Vec<_>, _>>().map_err(|_| {
        Error::new("label maps are files of 8-bit numbers")
            .place("dataset_info.labels")
            .because(format!("the labels are {labels:?}"))
            .hint("use labels from 0 to 255")
    })?;
    let restored = restore(classes, original, 0, resample_class_indices)?;
    Ok(restored.map(|class| labels.get(usize::from(*class)).copied().unwrap_or(0)))
}

/// Probabilities of a class on the original grid: interpolated by cubic B-spline, each class on its own, so values may leave
/// 0 to 1 and need not sum to 1 over the classes. Beyond the box all classes, the background too, are 0.
///
/// # Errors
/// A box or size that does not fit the original.
pub fn probability_map(probabilities: &Volume<f32>, original: &Original) -> Result<Volume<f32>> {
    restore(probabilities, original, 0.0, resample_probabilities)
}

/// Turns to the original's axes, resamples, and puts back into what was cut away, filled with `fill`.
fn restore<T: Copy + Send + Sync>(
    image: &Volume<T>,
    original: &Original,
    fill: T,
    resample: impl Fn(&Volume<T>, [f64; 3], [usize; 3]) -> Volume<T>,
) -> Result<Volume<T>> {
    let geometry = original.geometry;
    let restored = if original.untouched {
        image.clone()
    } else {
        let turned = from_standard(image, &geometry.direction);
        let size = original.bounding_box.map_or(geometry.size, BoundingBox::size);
        let resampled = resample(&turned, geometry.spacing, size);
        match original.bounding_box {
            Some(bounding_box) => uncrop(&resampled, bounding_box, fill)
                .map_err(|error| Error::new("the prediction does not fit the foreground box").because(error))?,
            None => resampled,
        }
    };
    let (size, voxels) = (restored.size(), restored.into_parts().1);
    if size != geometry.size {
        return Err(Error::new("the prediction does not fit the original image")
            .because(format!("it has {size:?} voxels, the image {:?}", geometry.size)));
    }
    Volume::new(*geometry, voxels)
        .map_err(|error| Error::new("the prediction does not fit the original image").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::Outputs;
    use crate::predict::golden;
    use crate::predict::probabilities::Probabilities;
    use mist_volume::nifti;
    use serde_json::Value;

    struct Case {
        record: Value,
        spacing: [f64; 3],
        geometry: Geometry,
        bounding_box: Option<BoundingBox>,
    }

    impl Case {
        fn original(&self) -> Original<'_> {
            Original {
                geometry: &self.geometry,
                bounding_box: self.bounding_box.as_ref(),
                untouched: self.record["skip"].as_bool().unwrap(),
            }
        }

        fn file(&self, name: &str) -> String {
            format!("restore/{}/{name}", self.record["name"].as_str().unwrap())
        }
    }

    fn cases() -> Vec<Case> {
        let records = golden::json("restore/cases.json");
        let case = |record: &Value| {
            let name = record["name"].as_str().unwrap();
            let corner = |suffix: &str| {
                ["x", "y", "z"].map(|axis| record["fg_bbox"][format!("{axis}_{suffix}")].as_u64().unwrap() as usize)
            };
            let bounding_box = record["fg_bbox"].is_object().then(|| BoundingBox {
                start: corner("start"),
                end: corner("end"),
                original_size: corner("og_size"),
            });
            let header = nifti::read_header(&golden::path(&format!("restore/{name}/original.nii.gz"))).unwrap();
            let spacing = golden::from(&record["target_spacing"]);
            Case { record: record.clone(), spacing, geometry: header.geometry(), bounding_box }
        };
        records.as_array().unwrap().iter().map(case).collect()
    }

    /// Values `[x][y][z]` of an image.
    fn by_x<T: Copy>(image: &Volume<T>) -> Vec<T> {
        let [nx, ny, nz] = image.size();
        let index = (0..nx).flat_map(|x| (0..ny).flat_map(move |y| (0..nz).map(move |z| [x, y, z])));
        index.map(|index| *image.get(index).unwrap()).collect()
    }

    #[test]
    fn label_maps_are_those_of_the_reference() {
        for case in cases() {
            let probabilities = golden::channels_last(&case.file("probs.npy"));
            let classes = Outputs::classes(probabilities.channels()).decide_all(&probabilities, case.spacing);
            let restored =
                label_map(&classes, &case.original(), &golden::from::<Vec<i64>>(&case.record["labels"])).unwrap();
            assert_eq!(restored.geometry(), &case.geometry);
            let (size, expected) = golden::array(&case.file("restored_labels.npy"));
            assert_eq!(size, restored.size());
            let wrong = by_x(&restored)
                .iter()
                .zip(&expected)
                .filter(|(found, expected)| f32::from(**found) != **expected)
                .count();
            assert_eq!(wrong, 0, "{}", case.record);
        }
    }

    #[test]
    fn probability_maps_are_those_of_the_reference() {
        let mut compared = 0;
        for case in cases() {
            let file = case.file("restored_probs.npy");
            if !golden::path(&file).exists() {
                continue;
            }
            let array = golden::channels_last(&case.file("probs.npy"));
            let classes = array.channels();
            let mut probabilities = Probabilities::in_memory(array.size(), classes).unwrap();
            probabilities.add(array, 0).unwrap();
            let restored =
                |class| probability_map(&probabilities.class(class, case.spacing).unwrap(), &case.original()).unwrap();
            let (_, expected) = golden::array(&file);
            let found: Vec<f32> = (0..classes).flat_map(|class| by_x(&restored(class))).collect();
            golden::assert_close(&found, &expected, 1e-5, &case.record.to_string());
            compared += 1;
        }
        assert_eq!(compared, 4);
    }

    #[test]
    fn indices_without_a_label_become_background() {
        let geometry = Geometry::axis_aligned([3, 1, 1], [1.0; 3]);
        let classes = Volume::new(geometry, vec![0, 1, 2]).unwrap();
        let original = Original { geometry: &geometry, bounding_box: None, untouched: true };
        assert_eq!(label_map(&classes, &original, &[0, 7]).unwrap().voxels(), [0, 7, 0]);
        assert!(label_map(&classes, &original, &[0, 256]).is_err());
    }

    #[test]
    fn predictions_of_another_size_are_errors() {
        let geometry = Geometry::axis_aligned([3, 2, 1], [1.0; 3]);
        let classes = Volume::filled(Geometry::axis_aligned([3, 1, 2], [1.0; 3]), 0);
        let untouched = Original { geometry: &geometry, bounding_box: None, untouched: true };
        assert!(label_map(&classes, &untouched, &[0]).is_err());
        let foreign = BoundingBox { start: [0; 3], end: [1, 0, 0], original_size: [9, 9, 9] };
        let cropped = Original { bounding_box: Some(&foreign), untouched: false, ..untouched };
        assert!(label_map(&classes, &cropped, &[0]).is_err());
    }
}
