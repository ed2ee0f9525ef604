//! `--data-dump`: `data_dump.json` and `data_dump.md`, statistics of a data set that help to choose settings.
//!
//! What is needed of a case is collected while its files are read anyway ([`case`]); the rest is arithmetic over the cases,
//! in their order.

pub mod case;
mod images;
mod labels;
mod markdown;
mod observations;
mod shape;
mod spread;
mod summary;

use super::scan::CaseFacts;
use crate::config::{DatasetInfo, Preprocessing};
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::json;
use case::CaseDump;
use images::{ImageStatistics, image_statistics};
use labels::{LabelStatistics, label_statistics};
use observations::observations;
use serde::{Serialize, Serializer};
use std::path::Path;
use summary::DatasetSummary;

/// Everything in the two files.
#[derive(Serialize)]
pub struct DataDump {
    dataset_summary: DatasetSummary,
    image_statistics: ImageStatistics,
    label_statistics: LabelStatistics,
    observations: Vec<String>,
    mist_config_path: String,
}

impl DataDump {
    /// Of the usable cases. `classes` are those that are evaluated; `config` is where the configuration will lie.
    pub fn of(
        info: &DatasetInfo,
        classes: &[(String, Vec<i64>)],
        facts: &[CaseFacts],
        preprocessing: &Preprocessing,
        config: &Path,
    ) -> Self {
        let dumps: Vec<&CaseDump> = facts.iter().filter_map(|case| case.dump.as_ref()).collect();
        let effective: Vec<f64> = facts
            .iter()
            .map(|case| match preprocessing.crop_to_foreground {
                true => case.foreground.voxel_count() as f64,
                false => case.geometry.voxel_count() as f64,
            })
            .collect();
        let summary = DatasetSummary::of(info, classes, &dumps);
        let resampled = preprocessing.median_resampled_image_size;
        let images = image_statistics(facts, &dumps, &info.images, &effective, resampled);
        let labels = label_statistics(&dumps, info.labels.get(1..).unwrap_or_default(), classes, &effective);
        Self {
            observations: observations(&summary, &images, &labels),
            dataset_summary: summary,
            image_statistics: images,
            label_statistics: labels,
            mist_config_path: std::path::absolute(config).unwrap_or_else(|_| config.to_owned()).display().to_string(),
        }
    }

    /// Writes both files. What the user wrote into the `data_dump.md` at `earlier` about the data is kept.
    pub fn write(&self, json_file: &Path, markdown_file: &Path, earlier: &Path) -> Result<()> {
        let earlier = match std::fs::read(earlier) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            // It may hold a description.
            Err(error) => return Err(Error::new("cannot read the earlier dump").at(earlier).because(error)),
        };
        let value = serde_json::to_value(self)
            .map_err(|error| Error::new("cannot write the data dump").at(json_file).because(error))?;
        let text = markdown::markdown(self, markdown::description(&earlier));
        write_atomically(json_file, json::to_text(&value).as_bytes())?;
        write_atomically(markdown_file, text.as_bytes())
    }
}

/// Writes pairs as an object, in their order.
fn as_object<K: Serialize, V: Serialize, S: Serializer>(pairs: &[(K, V)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}
