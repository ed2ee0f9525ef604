use crate::error::Result;
use crate::json::{Field, Section};
use serde::Serialize;
use serde_json::{Map, Value};

/// Names of `training.loss.composite_loss_weighting`.
pub const WEIGHTINGS: [&str; 3] = ["constant", "cosine", "linear"];

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
    pub(super) fn parse(section: &Section, losses: &[String]) -> Result<Self> {
        let params = section.optional("params").and_then(|field| field.or_null());
        let loss = Self {
            name: section.required("name")?.choice(losses)?.to_owned(),
            composite_loss_weighting: section
                .required("composite_loss_weighting")?
                .or_null()
                .map(|field| LossWeighting::parse(&field.section()?))
                .transpose()?,
            params: params.map(|field| Ok(field.section()?.others())).transpose()?.unwrap_or_default(),
        };
        section.note_unknown();
        Ok(loss)
    }
}

/// How the weight α of a composite loss changes over the epochs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "name", content = "params", rename_all = "lowercase")]
pub enum LossWeighting {
    /// The same in every epoch.
    Constant {
        /// α.
        value: f64,
    },
    /// From `start_val` to `end_val` along a straight line.
    Linear {
        /// Last epoch, counted from 0, that has `start_val`; −1 lets the decay begin at once.
        init_pause: i64,
        /// α at first.
        start_val: f64,
        /// α in the last epoch.
        end_val: f64,
    },
    /// From `start_val` to `end_val` along half a cosine wave.
    Cosine {
        /// Last epoch, counted from 0, that has `start_val`; −1 lets the decay begin at once.
        init_pause: i64,
        /// α at first.
        start_val: f64,
        /// α in the last epoch.
        end_val: f64,
    },
}

impl LossWeighting {
    /// The weighting of that name with default parameters.
    pub fn with_defaults(name: &str) -> Option<Self> {
        let (init_pause, start_val, end_val) = (5, 1.0, 0.0);
        match name {
            "constant" => Some(Self::Constant { value: 0.5 }),
            "linear" => Some(Self::Linear { init_pause, start_val, end_val }),
            "cosine" => Some(Self::Cosine { init_pause, start_val, end_val }),
            _ => None,
        }
    }

    fn parse(section: &Section) -> Result<Self> {
        let name_field = section.required("name")?;
        let name = name_field.choice(&WEIGHTINGS)?;
        let mut weighting = Self::with_defaults(name).ok_or_else(|| name_field.refuse("a known weighting"))?;
        if let Some(params) = section.optional("params").and_then(|field| field.or_null()) {
            let params = params.section()?;
            match &mut weighting {
                Self::Constant { value } => replace(value, params.optional("value"), finite)?,
                Self::Linear { init_pause, start_val, end_val } | Self::Cosine { init_pause, start_val, end_val } => {
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
