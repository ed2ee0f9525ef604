//! Checks of a case before it is used.

use crate::preprocess::problem::Problem;
use crate::preprocess::read::{check_grid, read_geometry};
use mist_volume::Geometry;
use std::path::{Path, PathBuf};

/// At most this many values are listed in a message.
const LISTED: usize = 5;

/// Reads the headers of all files of a case: each must be 3-D, and all must lie on the voxels of the first image.
/// Returns the grid of the first image.
pub fn check_headers(images: &[PathBuf], mask: Option<&Path>) -> Result<Geometry, Problem> {
    let Some((first, others)) = images.split_first() else {
        return Err(Problem::new("looking for images", "the case has no image"));
    };
    let anchor = read_geometry(first)?;
    for file in others.iter().map(PathBuf::as_path).chain(mask) {
        check_grid(&anchor, first, &read_geometry(file)?, file)?;
    }
    Ok(anchor)
}

/// What the voxels of a mask hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MaskValues {
    /// Values that are no label, in the order in which they were met; the first few.
    pub foreign: Vec<f32>,
    /// Whether any voxel holds a label other than 0.
    pub has_foreground: bool,
}

impl MaskValues {
    /// Looks at every voxel.
    pub fn of(mask: &[f32], labels: &[i64]) -> Self {
        let mut values = Self::default();
        let mut previous = None;
        for &value in mask {
            // Neighbouring voxels mostly agree.
            if previous == Some(value) {
                continue;
            }
            previous = Some(value);
            if !labels.iter().any(|&label| label as f32 == value) {
                if values.foreign.len() < LISTED && !values.foreign.contains(&value) {
                    values.foreign.push(value);
                }
            } else if value != 0.0 {
                values.has_foreground = true;
            }
        }
        values
    }

    /// Says what is wrong with values that are no label; nothing when all are.
    pub fn complaint(&self, labels: &[i64]) -> Option<String> {
        let first = self.foreign.first()?;
        let list: Vec<String> = self.foreign.iter().map(f32::to_string).collect();
        let list = list.join(", ");
        Some(match first.fract() == 0.0 {
            true => format!("the mask holds values that are not among the labels {labels:?}: {list}"),
            false => format!("the mask holds values that are not whole numbers: {list}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_pass() {
        let values = MaskValues::of(&[0.0, 0.0, 1.0, 4.0, 4.0, 0.0], &[0, 1, 4]);
        assert_eq!(values, MaskValues { foreign: vec![], has_foreground: true });
        assert_eq!(values.complaint(&[0, 1, 4]), None);
    }

    #[test]
    fn values_that_are_no_label_are_listed_once() {
        let values = MaskValues::of(&[0.0, 3.0, 3.0, 0.0, 3.0, -1.0], &[0, 1]);
        assert_eq!(values.foreign, [3.0, -1.0]);
        let complaint = values.complaint(&[0, 1]).unwrap();
        assert_eq!(complaint, "the mask holds values that are not among the labels [0, 1]: 3, -1");
    }

    #[test]
    fn fractions_are_no_labels() {
        let values = MaskValues::of(&[1.5], &[0, 1, 2]);
        assert!(values.complaint(&[0, 1, 2]).unwrap().contains("not whole numbers"));
    }

    #[test]
    fn an_empty_mask_has_no_foreground() {
        assert!(!MaskValues::of(&[0.0; 9], &[0, 1]).has_foreground);
    }
}
