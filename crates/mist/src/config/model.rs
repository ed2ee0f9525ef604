//! `model`: the network.

use super::DatasetInfo;
use crate::error::Result;
use crate::json::Section;
use serde::Serialize;
use serde_json::{Map, Value};

/// `model`: the network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// Name in the registry.
    pub architecture: String,
    /// Its parameters.
    pub params: ModelParams,
}

/// `model.params`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelParams {
    /// Image channels; equals the number of `dataset_info.images`.
    pub in_channels: usize,
    /// Outputs: the number of `dataset_info.labels`, less one with an ignored label, or that of the regions.
    pub out_channels: usize,
    /// Whatever else stands there, for the architecture to read: MedNeXt takes `kernel_size`, a user's own what it likes.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Model {
    /// The default network for a data set.
    pub fn for_dataset(info: &DatasetInfo) -> Self {
        let params = ModelParams { in_channels: info.images.len(), out_channels: info.labels.len(), other: Map::new() };
        Self { architecture: "nnunet".into(), params }
    }

    /// `outputs` is how many the network needs, and what they are.
    pub(super) fn parse(
        section: &Section,
        architectures: Option<&[String]>,
        info: &DatasetInfo,
        outputs: (usize, &str),
    ) -> Result<Self> {
        let model = Self {
            architecture: section.required("architecture")?.choice_if_listed(architectures)?.to_owned(),
            params: ModelParams::parse(&section.required("params")?.section()?, info, outputs)?,
        };
        section.note_unknown();
        Ok(model)
    }
}

impl ModelParams {
    fn parse(section: &Section, info: &DatasetInfo, outputs: (usize, &str)) -> Result<Self> {
        let channels = |key: &'static str, (expected, what): (usize, &str)| -> Result<usize> {
            let field = section.required(key)?;
            let count = field.count(1)?;
            if count == expected {
                return Ok(count);
            }
            Err(field.refuse(format_args!("{expected}, {what}")))
        };
        let params = Self {
            in_channels: channels("in_channels", (info.images.len(), "the number of `dataset_info.images`"))?,
            out_channels: channels("out_channels", outputs)?,
            other: section.others(),
        };
        section.note_unknown();
        Ok(params)
    }
}
