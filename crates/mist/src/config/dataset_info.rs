//! `dataset_info`: what the data is.

use crate::error::Result;
use crate::json::{Field, Section};
use serde::Serialize;

/// Masks are stored as bytes.
pub(crate) const LARGEST_LABEL: i64 = 255;

/// Class indices are stored as bytes, with one of them for voxels of no class.
pub(crate) const MOST_LABELS: usize = 255;

/// Column names of the CSV files of a run that no image channel may have.
pub const RESERVED_COLUMNS: [&str; 3] = ["id", "fold", "mask"];

/// `dataset_info`: what the data is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetInfo {
    /// Name of the task.
    pub task: String,
    /// Kind of images.
    pub modality: Modality,
    /// Channel names in channel order; also the image columns of `train_paths.csv`.
    pub images: Vec<String>,
    /// Label values as in the masks, 0 first; the position of a value is its class index.
    pub labels: Vec<i64>,
}

impl DatasetInfo {
    /// The smallest that has no mistakes.
    pub(crate) fn placeholder() -> Self {
        Self { task: String::new(), modality: Modality::Other, images: vec!["image".into()], labels: vec![0, 1] }
    }

    pub(super) fn parse(section: &Section) -> Result<Self> {
        let info = Self {
            task: section.required("task")?.string()?.to_owned(),
            modality: Modality::parse(&section.required("modality")?)?,
            images: parse_images(&section.required("images")?)?,
            labels: parse_labels(&section.required("labels")?)?,
        };
        section.note_unknown();
        Ok(info)
    }
}

/// Kind of images; decides on the intensity normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Computed tomography, in Hounsfield units: one window for the whole data set.
    Ct,
    /// Magnetic resonance: each image by its own statistics.
    Mr,
    /// Anything else: as MR.
    Other,
}

impl Modality {
    /// The words that a file may have, in any case.
    pub const NAMES: [&str; 3] = ["ct", "mr", "other"];

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ct => "ct",
            Self::Mr => "mr",
            Self::Other => "other",
        }
    }

    /// Reads the word in any case.
    pub(crate) fn parse(field: &Field) -> Result<Self> {
        let word = field.choice_in_any_case(&Self::NAMES)?;
        Ok(match word.as_str() {
            "ct" => Self::Ct,
            "mr" => Self::Mr,
            _ => Self::Other,
        })
    }
}

fn parse_images(field: &Field) -> Result<Vec<String>> {
    let mut images: Vec<String> = Vec::new();
    for item in field.filled_list()? {
        let name = item.string()?;
        check_channel_name(name, &item)?;
        if images.iter().any(|other| other == name) {
            return Err(item.refuse("a name that no other channel has"));
        }
        images.push(name.to_owned());
    }
    Ok(images)
}

/// Refuses channel names that cannot be a column of the CSV files; `field` is where the name stands.
pub(crate) fn check_channel_name(name: &str, field: &Field) -> Result<()> {
    channel_name_misfit(name).map_or(Ok(()), |allowed| Err(field.refuse(allowed)))
}

/// What the name of a channel must be, where this one cannot be a column of the CSV files.
pub(crate) fn channel_name_misfit(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("the name of a channel, which cannot be empty")
    } else if RESERVED_COLUMNS.contains(&name) {
        Some("a channel name other than id, fold and mask, which name other columns")
    } else {
        None
    }
}

/// Label values: whole numbers from 0 to 255 (masks are stored as bytes), 0 first, none twice, 255 of them at most.
pub(crate) fn parse_labels(field: &Field) -> Result<Vec<i64>> {
    let mut labels = Vec::new();
    for item in field.filled_list()? {
        let label =
            item.integer("a label: a whole number from 0 to 255", |label| (0..=LARGEST_LABEL).contains(&label))?;
        if labels.contains(&label) {
            return Err(item.refuse("a label that is not listed before"));
        }
        labels.push(label);
    }
    match labels.first() {
        _ if labels.len() > MOST_LABELS => Err(field.refuse(format_args!("a list of {MOST_LABELS} labels at most"))),
        Some(0) => Ok(labels),
        _ => Err(field.refuse("a list that starts with 0, the background")),
    }
}
