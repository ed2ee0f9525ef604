//! `training.hardware`: how the machine is used.

use crate::error::Result;
use crate::json::Section;
use serde::Serialize;

/// Values of `training.hardware.communication_backend`.
pub const COMMUNICATION_BACKENDS: [&str; 3] = ["auto", "nccl", "gloo"];
/// Values of `training.hardware.data_loader`.
pub const DATA_LOADERS: [&str; 3] = ["auto", "dali", "generic"];
/// Largest value of `training.hardware.master_port`.
pub(crate) const LARGEST_PORT: i64 = 65535;

/// `training.hardware`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hardware {
    /// GPUs to use; null means all that are visible.
    pub num_gpus: Option<usize>,
    /// Threads that load patches.
    pub num_cpu_workers: usize,
    /// Meeting point of several processes; kept for the reference.
    pub master_addr: String,
    /// Its port.
    pub master_port: usize,
    /// `auto`, `nccl` or `gloo`; kept for the reference.
    pub communication_backend: String,
    /// `auto`, `dali` or `generic`, absent in older files; all mean the one loader here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_loader: Option<String>,
}

impl Default for Hardware {
    fn default() -> Self {
        Self {
            num_gpus: None,
            num_cpu_workers: 8,
            master_addr: "localhost".into(),
            master_port: 12345,
            communication_backend: "auto".into(),
            data_loader: Some("auto".into()),
        }
    }
}

impl Hardware {
    pub(super) fn parse(section: &Section) -> Result<Self> {
        let data_loader = section.optional("data_loader").and_then(|field| field.or_null());
        let hardware = Self {
            num_gpus: section.required("num_gpus")?.or_null().map(|field| field.count(0)).transpose()?,
            num_cpu_workers: section.required("num_cpu_workers")?.count(0)?,
            master_addr: section.required("master_addr")?.string()?.to_owned(),
            master_port: section
                .required("master_port")?
                .integer("a port: a whole number from 0 to 65535", |port| (0..=LARGEST_PORT).contains(&port))?
                as usize,
            communication_backend: section
                .required("communication_backend")?
                .choice(&COMMUNICATION_BACKENDS)?
                .to_owned(),
            data_loader: data_loader.map(|field| field.choice(&DATA_LOADERS).map(str::to_owned)).transpose()?,
        };
        section.note_unknown();
        Ok(hardware)
    }
}
