//! `training.loss`: the loss and the schedule of its weight.

use crate::error::Result;
use crate::json::{Field, Section};
use mist_nn::losses::LossWeighting;
use serde::Serialize;
use serde_json::{Map, Value};

/// `training.loss`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loss {
    /// Name in the registry.
    pub name: String,
    /// Weight α of the first term of composite losses over the epochs; null means 0.5 throughout.
    pub composite_loss_weighting: Option<LossWeighting>,
    /// Parameters of the loss itself, such as `tau_mm`; the loss checks them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

impl Loss {
    pub(super) fn parse(section: &Section, losses: Option<&[String]>) -> Result<Self> {
        let params = section.optional("params").and_then(|field| field.or_null());
        let loss = Self {
            name: section.required("name")?.choice_if_listed(losses)?.to_owned(),
            composite_loss_weighting: section
                .required("composite_loss_weighting")?
                .or_null()
                .map(|field| weighting(&field.section()?))
                .transpose()?,
            params: params.map(|field| Ok(field.section()?.others())).transpose()?.unwrap_or_default(),
        };
        section.note_unknown();
        Ok(loss)
    }
}

fn weighting(section: &Section) -> Result<LossWeighting> {
    let name_field = section.required("name")?;
    let name = name_field.choice(&LossWeighting::NAMES)?;
    let mut weighting = LossWeighting::with_defaults(name).ok_or_else(|| name_field.refuse("a known weighting"))?;
    if let Some(params) = section.optional("params").and_then(|field| field.or_null()) {
        let params = params.section()?;
        match &mut weighting {
            LossWeighting::Constant { value } => replace(value, params.optional("value"), finite)?,
            LossWeighting::Linear { init_pause, start_val, end_val }
            | LossWeighting::Cosine { init_pause, start_val, end_val } => {
                replace(init_pause, params.optional("init_pause"), epoch)?;
                replace(start_val, params.optional("start_val"), finite)?;
                replace(end_val, params.optional("end_val"), finite)?;
            }
        }
        params.refuse_unknown()?;
    }
    section.note_unknown();
    Ok(weighting)
}

fn finite(field: &Field) -> Result<f64> {
    field.number("a number", f64::is_finite)
}

fn epoch(field: &Field) -> Result<i64> {
    field.integer("a whole number of epochs, -1 or more", |epoch| epoch >= -1)
}

fn replace<T>(target: &mut T, field: Option<Field>, read: impl Fn(&Field) -> Result<T>) -> Result<()> {
    if let Some(field) = field {
        *target = read(&field)?;
    }
    Ok(())
}
