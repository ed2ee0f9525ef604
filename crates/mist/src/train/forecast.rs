//! What training will take in time and memory, found out by a few steps on weights that are thrown away.

use super::checkpoint::Checkpoint;
use super::fold::FoldRun;
use super::validate::Validator;
use crate::bench;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::memory;
use crate::text::{duration, plural};
use mist_nn::Registry;
use std::time::Instant;

/// Timed steps. One more before them fills caches and memory.
const STEPS: usize = 3;

/// A forecast must cost little of what it forecasts.
const LEAST_STEPS: usize = 100 * (STEPS + 1);

/// Most voxels of each axis of a step that memory is judged by; networks that halve the axes up to six times take it.
const TRIED: usize = 64;

/// Steps on fewer voxels than this fit into the memory of any machine that runs the program.
const MUCH_WORK: usize = 2 * 64 * 64 * 64;

/// How long the parts of training take on this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Seconds of a step, batches included.
    pub step: f64,
    /// Steps of an epoch.
    pub steps: usize,
    /// Seconds of the validation after an epoch.
    pub validation: f64,
    /// The most memory that the process held, in bytes, where the system tells.
    pub peak: Option<f64>,
}

/// True for a run so long that a forecast is worth its time.
pub fn is_worthwhile(run: &FoldRun, folds: usize) -> bool {
    run.steps * run.epochs * folds >= LEAST_STEPS
}

/// Trains `state` for a few steps and validates a case of medium size. Writes nothing.
pub fn of(run: &FoldRun, mut state: Checkpoint) -> Result<Forecast> {
    let rate = state.schedule.rate(0);
    let mut begin = Instant::now();
    let each = run.batches_per_step;
    let mut batches = run.loader.stream(0, 0, (1 + STEPS) * each, run.loader_threads)?;
    for step in 0..=STEPS {
        let batches = batches.by_ref().take(each);
        run.trainer.step(&mut state.parameters, &mut state.optimizer, batches, rate, None)?;
        if interrupt::requested() {
            return Err(Error::interrupted("stopped on request before training began"));
        }
        if step == 0 {
            begin = Instant::now();
        }
    }
    let step = begin.elapsed().as_secs_f64() / STEPS as f64;

    let voxels = |index: &usize| run.validator.cases[*index].size().iter().product::<usize>();
    let mut order: Vec<usize> = (0..run.validator.cases.len()).collect();
    order.sort_by_key(voxels);
    let medium = order[order.len() / 2];
    let all: usize = order.iter().map(voxels).sum();
    let begin = Instant::now();
    Validator { cases: &run.validator.cases[medium..=medium], ..run.validator }.run(&state.parameters, |_| {})?;
    let validation = begin.elapsed().as_secs_f64() * all as f64 / voxels(&medium).max(1) as f64;
    Ok(Forecast { step, steps: run.steps, validation, peak: memory::peak() })
}

impl Forecast {
    /// For people, with the time of so many epochs of several folds together and of the folds' last predictions.
    pub fn text(&self, epochs: usize, folds: usize) -> String {
        let epoch = self.steps as f64 * self.step + self.validation;
        let total = epochs as f64 * epoch + folds as f64 * self.validation;
        let memory = self.peak.map_or(String::new(), |bytes| format!(", {} of memory", memory::readable(bytes)));
        format!(
            "Forecast: {:.2} s per step and {} per epoch ({}, then validation); {} for {} of {}{memory}",
            self.step,
            duration(epoch),
            plural(self.steps, "step"),
            duration(total),
            plural(epochs, "epoch"),
            plural(folds, "fold"),
        )
    }
}

/// Refuses a step that would need more memory than there is, judged by a step on a corner of the patch.
pub fn check_memory(config: &Config, registry: &Registry) -> Result<()> {
    let (patch, batch) = (config.spatial_config.patch_size, config.training.batch_size_per_gpu);
    let voxels: usize = patch.iter().product();
    let Some(available) = memory::available() else { return Ok(()) };
    if voxels * batch < MUCH_WORK {
        return Ok(());
    }
    let tried = patch.map(|extent| extent.min(TRIED));
    let Some(bytes) = bench::memory_of_step(config, tried, registry)? else { return Ok(()) };
    let per_voxel = bytes / tried.iter().product::<usize>() as f64;
    match shortage(per_voxel, voxels, batch, available) {
        None => Ok(()),
        Some(hint) => Err(Error::new("training needs more memory than there is")
            .place(format!("patch {}, batches of {batch}", patch.map(|extent| extent.to_string()).join(" × ")))
            .because(format!(
                "a step takes about {}, {} are free",
                memory::readable(per_voxel * (voxels * batch) as f64),
                memory::readable(available)
            ))
            .hint(hint)),
    }
}

/// What to do where a batch of patches of so many voxels does not fit.
fn shortage(per_voxel: f64, voxels: usize, batch: usize, available: f64) -> Option<String> {
    let patch = per_voxel * voxels as f64;
    if patch * batch as f64 <= available {
        return None;
    }
    Some(match (available / patch) as usize {
        0 => {
            let part = (available / patch / batch as f64).cbrt();
            format!("choose a --patch-size of at most {:.0} % of this along each axis", (100.0 * part).floor())
        }
        fits => format!("choose --batch-size-per-gpu {fits} or a smaller --patch-size"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_names_what_would_fit() {
        assert_eq!(shortage(10.0, 100, 2, 2000.0), None);
        let hint = shortage(10.0, 100, 4, 2000.0);
        assert_eq!(hint.as_deref(), Some("choose --batch-size-per-gpu 2 or a smaller --patch-size"));
        let hint = shortage(10.0, 800, 1, 1000.0);
        assert_eq!(hint.as_deref(), Some("choose a --patch-size of at most 50 % of this along each axis"));
    }

    #[test]
    fn a_forecast_reads_like_a_plan() {
        let forecast = Forecast { step: 0.25, steps: 240, validation: 30.0, peak: Some(1.2e9) };
        assert_eq!(
            forecast.text(20, 2),
            "Forecast: 0.25 s per step and 1 min per epoch (240 steps, then validation); 31 min for 20 epochs of 2 folds, \
             1.2 GB of memory"
        );
    }
}
