//! The training loss that `training.loss` asks for.

use crate::config::Config;
use crate::console::Console;
use crate::error::{Error, Result};
use mist_nn::Registry;
use mist_nn::losses::{Loss, LossSettings, Needs};

/// A loss and what it asks of the run.
pub struct TrainingLoss {
    /// What is minimised.
    pub loss: Box<dyn Loss>,
    /// What it asks for.
    pub needs: Needs,
}

/// Builds the loss with its parameters.
pub fn build(config: &Config, registry: &Registry) -> Result<TrainingLoss> {
    let loss = &config.training.loss;
    let entry = registry.find_loss(&loss.name).ok_or_else(|| {
        Error::new(format!("unknown loss `{}`", loss.name))
            .place("training.loss.name")
            .hint(format!("known: {}", registry.loss_names().join(", ")))
    })?;
    if entry.needs.distance_maps
        && let Some(key) = spoils_distance_maps(config)
    {
        return Err(Error::new(format!("the loss {} does not go with {key}", loss.name))
            .place(format!("training.{key}"))
            .because("distance maps are those of the labels, with a truth everywhere")
            .hint("choose a loss without distance maps, such as --loss dice_ce"));
    }
    let settings = LossSettings { spacing: config.spatial_config.target_spacing, parameters: loss.params.clone() };
    let built = entry.build(&settings).map_err(|error| {
        Error::new(format!("the loss {} cannot be built", loss.name)).place("training.loss.params").because(error)
    })?;
    Ok(TrainingLoss { loss: built, needs: entry.needs })
}

/// The setting with which labels are not what distance maps were made of.
fn spoils_distance_maps(config: &Config) -> Option<&'static str> {
    let training = &config.training;
    match (&training.regions, training.ignore_label) {
        (Some(_), _) => Some("regions"),
        (None, Some(_)) => Some("ignore_label"),
        (None, None) => None,
    }
}

/// Says which settings of the loss have no effect, or not the one that their names promise.
pub fn warn(config: &Config, needs: Needs, console: &dyn Console) {
    let (loss, epochs) = (&config.training.loss, config.training.epochs);
    let coarsest = config.spatial_config.target_spacing.into_iter().fold(0.0, f64::max);
    if let Some(tolerance) = loss.params.get("tau_mm").and_then(serde_json::Value::as_f64)
        && tolerance < coarsest
    {
        console.warn(&format!(
            "the tolerance tau_mm, {tolerance} mm, is below the coarsest spacing, {coarsest} mm; it widens to a voxel there"
        ));
    }
    if needs.spacing && config.preprocessing.skip {
        let [x, y, z] = config.spatial_config.target_spacing;
        console.warn(&format!(
            "the loss {} measures in mm, but preprocessing was skipped: it takes {x} x {y} x {z} mm (target_spacing) for the \
             spacing of every array, and its axes for left, posterior, superior, whatever the scans have; preprocess without \
             --no-preprocess, or choose another loss",
            loss.name
        ));
    }
    let Some(weighting) = &loss.composite_loss_weighting else { return };
    if !needs.alpha {
        console.warn(&format!("the loss {} has no parts to weigh; composite_loss_weighting has no effect", loss.name));
    } else if weighting.never_moves(epochs as u64) {
        console.warn(&format!(
            "the weight of the loss never moves: its init_pause outlasts the {epochs} epochs of the run"
        ));
    }
}
