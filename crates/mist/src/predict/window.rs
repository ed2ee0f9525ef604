//! Where the windows of sliding-window inference lie, and how much each voxel of a window counts.

use crate::error::{Error, Result};

/// How overlapping windows are blended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blending {
    /// Voxels near a window's centre count more, by a Gaussian of an eighth of the patch size.
    Gaussian,
    /// All voxels of a window count alike.
    Constant,
}

/// Windows over one image, ordered by x, then y, then z.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    image: [usize; 3],
    patch: [usize; 3],
    pad_before: [usize; 3],
    starts: [Vec<usize>; 3],
}

impl Windows {
    /// Lays windows of `patch` voxels over an image of `image` voxels. `overlap` is the share of a window that the
    /// next one covers again, in 0..1. An image smaller than the patch is taken to be padded on both sides.
    ///
    /// # Errors
    /// A size of 0, or an overlap outside 0..1.
    pub fn plan(image: [usize; 3], patch: [usize; 3], overlap: f64) -> Result<Self> {
        if image.contains(&0) || patch.contains(&0) {
            return Err(Error::new("windows need an image and a patch with voxels")
                .because(format!("image {image:?}, patch {patch:?}")));
        }
        if !(0.0..1.0).contains(&overlap) {
            return Err(Error::new("the overlap of windows must be at least 0 and less than 1")
                .place("inference.inferer.params.patch_overlap")
                .because(format!("it is {overlap}")));
        }
        let axes = [0, 1, 2];
        Ok(Self {
            image,
            patch,
            pad_before: axes.map(|axis| patch[axis].saturating_sub(image[axis]) / 2),
            starts: axes.map(|axis| starts(image[axis].max(patch[axis]), patch[axis], overlap)),
        })
    }

    /// Size of the image, without padding.
    pub fn image(&self) -> [usize; 3] {
        self.image
    }

    /// Size of a window.
    pub fn patch(&self) -> [usize; 3] {
        self.patch
    }

    /// Voxels of padding before the first voxel of the image, per axis.
    pub fn pad_before(&self) -> [usize; 3] {
        self.pad_before
    }

    /// Number of windows.
    pub fn count(&self) -> usize {
        self.starts.iter().map(Vec::len).product()
    }

    /// First voxel of every window in the padded image, in order.
    pub fn iter(&self) -> impl Iterator<Item = [usize; 3]> {
        let [x_starts, y_starts, z_starts] = &self.starts;
        x_starts.iter().flat_map(move |x| y_starts.iter().flat_map(move |y| z_starts.iter().map(move |z| [*x, *y, *z])))
    }
}

/// Distance between the starts of neighbouring windows. The product is taken and truncated in this order on purpose: 20
/// · (1 − 0.8) gives 3, and other programs' windows lie there too.
fn interval(padded: usize, patch: usize, overlap: f64) -> usize {
    if padded == patch { patch } else { ((patch as f64 * (1.0 - overlap)) as usize).max(1) }
}

fn starts(padded: usize, patch: usize, overlap: f64) -> Vec<usize> {
    let last = padded - patch;
    let interval = interval(padded, patch, overlap);
    (0..=last.div_ceil(interval)).map(|k| (k * interval).min(last)).collect()
}

/// Smallest weight of a voxel in a window: keeps corners from being divided by nearly nothing.
const SMALLEST_WEIGHT: f32 = 1e-3;
/// Standard deviation of the Gaussian as a share of the patch size.
const SIGMA_SHARE: f64 = 0.125;

/// Weights `[x][y][z]` of a window's voxels.
pub fn importance_map(patch: [usize; 3], blending: Blending) -> Vec<f32> {
    let count = patch.iter().product();
    if blending == Blending::Constant {
        return vec![1.0; count];
    }
    let [along_x, along_y, along_z] = patch.map(gaussian);
    let mut map = Vec::with_capacity(count);
    for x in &along_x {
        for y in &along_y {
            map.extend(along_z.iter().map(|z| (x * y) * z));
        }
    }
    let smallest = map.iter().copied().fold(f32::INFINITY, f32::min).max(SMALLEST_WEIGHT);
    for weight in &mut map {
        *weight = weight.max(smallest);
    }
    map
}

/// `exp(−(i − (length − 1)/2)² / (2σ²))`, computed in single precision as the field's tools do.
fn gaussian(length: usize) -> Vec<f32> {
    let sigma = SIGMA_SHARE * length as f64;
    let centre = (length as f32 - 1.0) / 2.0;
    let scale = (-2.0 * sigma * sigma) as f32;
    (0..length).map(|i| ((i as f32 - centre).powi(2) / scale).exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::golden;

    #[test]
    fn windows_lie_where_the_reference_puts_them() {
        let plans = golden::json("sliding_window/window_plans.json");
        for plan in plans.as_array().unwrap() {
            let [image, patch, padded, pad_before] =
                ["image", "patch", "padded", "pad_before"].map(|key| golden::from::<[usize; 3]>(&plan[key]));
            let overlap = plan["overlap"].as_f64().unwrap();
            let windows = Windows::plan(image, patch, overlap).unwrap();
            assert_eq!(windows.pad_before(), pad_before, "{plan}");
            assert_eq!(windows.starts.to_vec(), golden::from::<Vec<Vec<usize>>>(&plan["starts"]), "{plan}");
            let intervals = [0, 1, 2].map(|axis| interval(padded[axis], patch[axis], overlap));
            assert_eq!(intervals, golden::from::<[usize; 3]>(&plan["interval"]), "{plan}");
            assert_eq!(windows.count(), plan["windows"].as_u64().unwrap() as usize);
            assert_eq!(windows.iter().count(), windows.count());
            let first = golden::from::<Vec<[usize; 3]>>(&plan["first_windows"]);
            assert!(windows.iter().zip(&first).all(|(found, expected)| found == *expected), "{plan}");
        }
    }

    #[test]
    fn importance_maps_are_those_of_the_reference() {
        for map in golden::json("sliding_window/importance_maps.json").as_array().unwrap() {
            let (_, expected) = golden::array(&format!("sliding_window/{}", map["file"].as_str().unwrap()));
            let found = importance_map(golden::from(&map["patch"]), Blending::Gaussian);
            golden::assert_close(&found, &expected, 2e-6, &map.to_string());
        }
    }

    #[test]
    fn every_voxel_is_covered() {
        for (size, patch, overlap) in [([9, 40, 3], [4, 7, 8], 0.3), ([1, 2, 3], [1, 1, 1], 0.99)] {
            let windows = Windows::plan(size, patch, overlap).unwrap();
            for axis in 0..3 {
                let padded = size[axis].max(patch[axis]);
                let covered = |at| windows.starts[axis].iter().any(|start| (*start..start + patch[axis]).contains(&at));
                assert!((0..padded).all(covered));
            }
        }
    }

    #[test]
    fn impossible_settings_are_errors() {
        for overlap in [-0.1, 1.0, f64::NAN] {
            assert!(Windows::plan([8; 3], [4; 3], overlap).is_err());
        }
        assert!(Windows::plan([8, 0, 8], [4; 3], 0.5).is_err());
        assert!(Windows::plan([8; 3], [4, 4, 0], 0.5).is_err());
    }
}
