//! `dataset_summary`: what the data set is.

use super::as_object;
use super::case::CaseDump;
use super::spread::rounded;
use crate::config::DatasetInfo;
use serde::Serialize;

const BYTES_PER_GB: f64 = 1e9;

/// `dataset_summary`.
#[derive(Debug, Serialize)]
pub struct DatasetSummary {
    pub task: String,
    pub modality: &'static str,
    pub num_patients: usize,
    pub num_channels: usize,
    pub channel_names: Vec<String>,
    pub num_labels: usize,
    pub labels: Vec<i64>,
    #[serde(serialize_with = "as_object")]
    pub final_classes: Vec<(String, Vec<i64>)>,
    pub dataset_size_gb: f64,
}

impl DatasetSummary {
    /// Of the usable cases.
    pub fn of(info: &DatasetInfo, classes: &[(String, Vec<i64>)], dumps: &[&CaseDump]) -> Self {
        let bytes: u64 = dumps.iter().map(|case| case.file_bytes).sum();
        Self {
            task: info.task.clone(),
            modality: info.modality.as_str(),
            num_patients: dumps.len(),
            num_channels: info.images.len(),
            channel_names: info.images.clone(),
            num_labels: info.labels.len(),
            labels: info.labels.clone(),
            final_classes: classes.to_vec(),
            dataset_size_gb: rounded(bytes as f64 / BYTES_PER_GB, 4),
        }
    }
}
