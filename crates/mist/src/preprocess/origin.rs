//! What the arrays of a case were made from: `numpy/.made_from/<id>`, a text of three parts. Written when all arrays of the
//! case are there, and removed before any of them is replaced.
//!
//! A run that is continued makes only those arrays anew that have no such file, or another one than it would write. Training
//! compares the settings with those of its configuration.

use super::inputs::TrainingFiles;
use super::normalize::Normalization;
use super::settings::{DistanceMaps, Settings};
use crate::config::CtWindow;
use crate::error::{Error, Result};
use crate::files::{create_folder, remove_file, write_atomically};
use mist_volume::crop::BoundingBox;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

const FOLDER: &str = ".made_from";
/// Raised when the same settings come to make other arrays.
const METHOD: u32 = 1;

/// What the arrays of a case are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// One line.
    settings: String,
    /// Distance maps, box, and every file with its size and time of change.
    details: String,
}

impl Origin {
    /// Of a case; nothing where its files cannot be looked at.
    pub fn of(settings: &Settings, case: &TrainingFiles) -> Option<Self> {
        let maps = match settings.distance_maps {
            None => "none",
            Some(DistanceMaps { normalized: true }) => "normalized",
            Some(DistanceMaps { normalized: false }) => "in mm",
        };
        let cut = case.bounding_box.map_or_else(
            || "whole image".to_owned(),
            |BoundingBox { start, end, original_size }| format!("{start:?} to {end:?} of {original_size:?}"),
        );
        let mut details = format!("distance maps: {maps}\nbox: {cut}\n");
        for file in case.images.iter().chain([&case.mask]) {
            let found = std::fs::metadata(file).ok()?;
            let changed = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
            details.push_str(&format!("{}: {} bytes, changed at {changed}\n", file.display(), found.len()));
        }
        Some(Self { settings: line(settings), details })
    }

    fn text(&self) -> String {
        format!("{}\n{}", self.settings, self.details)
    }

    /// Notes that the arrays of a case are complete.
    pub fn note(&self, numpy: &Path, id: &str) -> Result<()> {
        create_folder(&numpy.join(FOLDER))?;
        write_atomically(&file(numpy, id), self.text().as_bytes())
    }

    /// Whether the arrays of a case were made from the same.
    pub fn is_noted(&self, numpy: &Path, id: &str) -> bool {
        std::fs::read_to_string(file(numpy, id)).is_ok_and(|noted| noted == self.text())
    }
}

/// Forgets what the arrays of a case were made from, as they are about to be replaced or removed.
pub fn forget(numpy: &Path, id: &str) -> Result<()> {
    remove_file(&file(numpy, id))
}

/// Fails where the arrays of a case are known to have been made with other settings. Those of other programs have no note.
pub fn check<'a>(numpy: &Path, settings: &Settings, ids: impl Iterator<Item = &'a str>) -> Result<()> {
    let wanted = line(settings);
    for id in ids {
        let Ok(noted) = std::fs::read_to_string(file(numpy, id)) else { continue };
        let made_with = noted.lines().next().unwrap_or_default();
        if made_with != wanted {
            return Err(Error::new("the arrays were made with other settings than those of the configuration")
                .at(numpy)
                .place(format!("case {id}"))
                .because(format!("they were made with {made_with}; now it is {wanted}"))
                .hint("run `mist preprocess --resume`, which makes those arrays anew that need it"));
        }
    }
    Ok(())
}

/// Everything that arrays depend on beside the scans. Arrays of a user are stale when this text changes: names of the code are
/// not in it.
fn line(settings: &Settings) -> String {
    let Settings { skip, crop, target_spacing, labels, normalization, distance_maps: _, memory: _ } = settings;
    let Normalization { ct, nonzero } = normalization;
    let scale = match ct {
        None => "own intensities".to_owned(),
        Some(CtWindow { window_min, window_max, z_score_mean, z_score_std }) => {
            format!("CT window {window_min:?} to {window_max:?}, mean {z_score_mean:?}, deviation {z_score_std:?}")
        }
    };
    format!(
        "method {METHOD}, skip {skip}, crop {crop}, spacing {target_spacing:?}, labels {labels:?}, {scale}, nonzero {nonzero}"
    )
}

fn file(numpy: &Path, id: &str) -> PathBuf {
    numpy.join(FOLDER).join(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Allowance;

    /// Another text makes all arrays of all users stale.
    #[test]
    fn the_text_stays_as_it_is() {
        let ct = CtWindow { window_min: -57.0, window_max: 164.5, z_score_mean: 100.25, z_score_std: 34.0 };
        let settings = |ct| Settings {
            skip: false,
            crop: true,
            target_spacing: [0.8, 0.8, 2.5],
            labels: vec![0, 2],
            normalization: Normalization { ct, nonzero: true },
            distance_maps: Some(DistanceMaps { normalized: true }),
            memory: Allowance::Unknown,
        };
        let folder = tempfile::tempdir().unwrap();
        let mask = folder.path().join("mask.nii");
        std::fs::write(&mask, b"1234").unwrap();
        let bounding_box = BoundingBox { start: [1, 2, 3], end: [4, 5, 6], original_size: [9; 3] };
        let case = TrainingFiles { id: "a".into(), images: vec![], mask, bounding_box: Some(bounding_box) };
        let Origin { settings: of_ct, details } = Origin::of(&settings(Some(ct)), &case).unwrap();
        assert_eq!(
            of_ct,
            "method 1, skip false, crop true, spacing [0.8, 0.8, 2.5], labels [0, 2], CT window -57.0 to 164.5, mean 100.25, \
             deviation 34.0, nonzero true"
        );
        assert!(line(&settings(None)).ends_with("labels [0, 2], own intensities, nonzero true"));
        let start = "distance maps: normalized\nbox: [1, 2, 3] to [4, 5, 6] of [9, 9, 9]\n";
        assert!(details.starts_with(start) && details.contains("mask.nii: 4 bytes, changed at "), "{details}");
    }
}
