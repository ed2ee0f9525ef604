//! What the arrays of a case were made from: `numpy/.made_from/<id>`, a text of three parts. Written when all arrays of the
//! case are there, and removed before any of them is replaced.
//!
//! A run that is continued makes only those arrays anew that have no such file, or another one than it would write. Training
//! compares the settings with those of its configuration.

use super::inputs::TrainingFiles;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::files::{create_folder, remove_file, write_atomically};
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
        let mut details = format!("distance maps: {:?}\nbox: {:?}\n", settings.distance_maps, case.bounding_box);
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

/// Everything that arrays depend on beside the scans.
fn line(settings: &Settings) -> String {
    let Settings { skip, crop, target_spacing, labels, normalization, distance_maps: _, memory: _ } = settings;
    format!(
        "method {METHOD}, skip {skip}, crop {crop}, spacing {target_spacing:?}, labels {labels:?}, {normalization:?}"
    )
}

fn file(numpy: &Path, id: &str) -> PathBuf {
    numpy.join(FOLDER).join(id)
}
