//! All commands of mist with one loss more: `custom-loss train --loss dice-distance …`.

use mist_nn::losses::{Classes, Loss, LossEntry, LossSettings, Needs, Segmentation, SettingsError, TargetError, weigh};
use mist_nn::{Registry, Tensor};
use std::process::ExitCode;

/// Memory for maps of many megabytes at every step; the system's allocator returns it each time, which is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps quotients finite where a class is nowhere.
const EPS: f64 = 1e-6;

/// `α · Dice + (1 − α) · distance`: Dice of the foreground, and the mean signed distance of what was found to the surface of
/// the truth, negative inside, in multiples of the voxel diagonal.
struct DiceDistance {
    /// Of a voxel, in millimetres.
    diagonal: f64,
}

/// Distance maps are read and handed to the loss, `--composite-loss-weighting` controls α, and the spacing of the voxels is
/// known when the loss is built: that is what the entry asks for.
fn entry() -> LossEntry {
    LossEntry {
        needs: Needs { distance_maps: true, alpha: true, spacing: true },
        parameters: Vec::new(),
        construct: build,
    }
}

fn build(settings: &LossSettings) -> Result<Box<dyn Loss>, SettingsError> {
    let diagonal = settings.spacing.iter().map(|extent| extent * extent).sum::<f64>().sqrt();
    Ok(Box::new(DiceDistance { diagonal }))
}

impl Loss for DiceDistance {
    fn value(&self, head: &Segmentation) -> Result<Tensor<1>, TargetError> {
        // `[batch, voxel, class]`, all three.
        let (truth, probabilities) = head.preprocess(Classes::Foreground);
        let distance = head.target.distance_maps()?;

        // Sums over voxels, then a mean over samples and classes.
        let overlap = (truth.clone() * probabilities.clone()).sum_dim(1);
        let sizes = truth.sum_dim(1) + probabilities.clone().sum_dim(1);
        let dice = (overlap * -2.0 / (sizes + EPS) + 1.0).mean();

        let surface = (distance * probabilities).mean() / self.diagonal;
        Ok(weigh(head, dice, surface))
    }
}

fn main() -> ExitCode {
    mist_nn::keep_freed_memory();
    mist_cli::run(Registry::builtin().loss("dice-distance", entry()))
}
